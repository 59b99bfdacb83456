/// The name of a field or record type: a lower-case letter, then letters, digits and underscores.
///
/// ASCII only and at most 64 bytes, so that a Swift string is a safe key here: its order is the
/// order of its bytes and no two spellings are equal.
package struct FieldName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let maximumByteCount = 64

    package let text: String

    package init?(_ text: String) {
        guard FieldName.isValid(text.utf8) else { return nil }
        self.text = text
    }

    package init?(bytes: [UInt8]) {
        guard FieldName.isValid(bytes) else { return nil }
        text = String(decoding: bytes, as: UTF8.self)
    }

    package var description: String { text }

    package static func < (left: FieldName, right: FieldName) -> Bool { left.text < right.text }

    private static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
        guard let first = bytes.first, bytes.count <= maximumByteCount else { return false }
        return isLetter(first)
            && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
