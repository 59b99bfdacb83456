/// The form a field's values have.
package enum ValueForm: Hashable, Sendable {
    /// One line.
    case text
    /// Several lines.
    case longText
    /// A day, or as much of one as the source gave.
    case date
    /// A number of people or things, as exactly or as vaguely as the source gave it.
    case count
    /// A record's ID.
    case reference
    /// One line, for which common codes exist. They are advice: the team's own `term` records and
    /// what sources say are accepted too.
    case choice(Vocabulary)

    /// The longest value, in bytes of UTF-8. One value must fit a change of 128 KiB with room for
    /// the rest of it.
    package static let maximumByteCount = 64 * 1024

    /// What is accepted, with examples, as the end of a sentence that begins "write".
    package var acceptedForms: String {
        switch self {
        case .text: "one line of text, for example `Adra Central Prison`"
        case .longText: "text of one or more lines"
        case .date: ImpreciseDate.acceptedForms
        case .count: ImpreciseCount.acceptedForms
        case .reference: "a record's ID or a unique beginning of it, for example `3f9a2c41`"
        case .choice(let vocabulary):
            "one line of text, for example `\(vocabulary.codes[0])`"
        }
    }

    /// Checks what somebody entered and brings it into the form that is kept.
    ///
    /// The wording stays; only its Unicode form is normalised (NFC), here and never again.
    ///
    /// - Returns: the bytes of the value.
    /// - Throws: why it was refused; never with the value itself.
    package func accept(_ text: String) throws(ValueError) -> [UInt8] {
        let bytes = text.composedBytes
        guard !bytes.isEmpty else { throw .empty }
        guard bytes.count <= ValueForm.maximumByteCount else {
            throw .tooLong(bytes: bytes.count)
        }
        try refuseControlCharacters(in: bytes)
        let isWellFormed =
            switch self {
            case .text, .longText, .choice: true
            case .date: ImpreciseDate.isWellFormed(text)
            case .count: ImpreciseCount.isWellFormed(text)
            case .reference: ValueForm.isReference(bytes)
            }
        guard isWellFormed else { throw .wrongForm }
        return bytes
    }

    /// Control characters hide things from a reader and drive terminals; U+0080 to U+009F are the
    /// bytes C2 80 to C2 9F.
    private func refuseControlCharacters(in bytes: [UInt8]) throws(ValueError) {
        var previous: UInt8 = 0
        for byte in bytes {
            let isC1 = previous == 0xC2 && (0x80...0x9F).contains(byte)
            if byte < 0x20 || byte == 0x7F || isC1 {
                let isLayout = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
                guard isLayout && self == .longText else { throw .controlCharacter }
            }
            previous = byte
        }
    }

    private static func isReference(_ bytes: [UInt8]) -> Bool {
        bytes.count == 32
            && bytes.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}

/// Why a value was refused. Carries no part of the value: it may name a person.
package enum ValueError: Error, Hashable, Sendable {
    case empty
    case tooLong(bytes: Int)
    case controlCharacter
    case wrongForm
}
