package import ParleyCRDT

/// Text forms of the names people and programs see. Specification: Protocol/parley-1.md "Text forms".
extension NodeID {
    /// 64 hexadecimal digits.
    package var text: String { Hexadecimal.text(of: bytes) }

    package init?(text: String) {
        guard let bytes = Hexadecimal.bytes(of: text) else { return nil }
        self.init(bytes: bytes)
    }

    /// The first 16 hexadecimal digits: enough to tell the members of a team apart.
    package var fingerprint: String { String(text.prefix(16)) }
}

extension Origin {
    /// `NODE.EPOCH`: the node's fingerprint and the epoch, 16 hexadecimal digits each.
    package var text: String { node.fingerprint + "." + epochText }

    package var epochText: String {
        Hexadecimal.text(
            of: stride(from: 56, through: 0, by: -8).map {
                UInt8(truncatingIfNeeded: epoch >> UInt64($0))
            })
    }
}

extension Dot {
    /// `NODE.EPOCH:SEQUENCE`, where no fork makes that ambiguous.
    package var text: String { "\(origin.text):\(sequence)" }

    /// `NODE.EPOCH:SEQUENCE~HASH8`, unambiguous beyond a fork too.
    package var longText: String { "\(text)~\(Hexadecimal.text(of: hash.bytes.prefix(4)))" }
}

/// A change as somebody typed it: any unique beginning of the node and epoch digits will do.
package struct DotPattern: Hashable, Sendable {
    package let node: String
    package let epoch: String
    package let sequence: UInt64
    /// Hexadecimal digits of the change's hash, where given.
    package let hash: String

    /// Reads `NODE[.EPOCH]:SEQUENCE[~HASH]`, also as it was copied from a page.
    ///
    /// - Parameter mayPrecede: whether the sequence may be 0, before the first change of a log.
    package init?(_ text: String, mayPrecede: Bool = false) {
        let branch = text.withoutDirectionMarks.split(
            separator: "~", maxSplits: 1, omittingEmptySubsequences: false)
        let halves = branch[0].split(separator: ":", omittingEmptySubsequences: false)
        guard halves.count == 2, let sequence = DotPattern.sequence(halves[1]),
            sequence > 0 || mayPrecede
        else { return nil }
        let origin = halves[0].split(
            separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard (origin + branch.dropFirst()).allSatisfy(Hexadecimal.isDigits) else { return nil }
        node = origin[0].lowercased()
        epoch = origin.count == 2 ? origin[1].lowercased() : ""
        self.sequence = sequence
        hash = branch.count == 2 ? branch[1].lowercased() : ""
    }

    /// Decimal digits alone, where `UInt64` would take a sign as well.
    private static func sequence(_ text: Substring) -> UInt64? {
        text.first == "+" ? nil : UInt64(text)
    }

    /// Whether the origin's digits begin as typed.
    package func matches(_ origin: Origin) -> Bool {
        origin.node.text.hasPrefix(node) && origin.epochText.hasPrefix(epoch)
    }

    package func matches(_ dot: Dot) -> Bool {
        matches(dot.origin) && dot.sequence == sequence
            && Hexadecimal.text(of: dot.hash.bytes).hasPrefix(hash)
    }
}
