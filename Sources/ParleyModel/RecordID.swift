import ParleyCRDT

/// The identity of a record for people and references: the first 128 bits of
/// SHA-256(change hash ‖ group index). Never sent; unique by construction; still known after erasure.
package struct RecordID: Hashable, Comparable, Sendable {
    package static let byteCount = 16

    package let value: UInt128

    package init(_ value: UInt128) {
        self.value = value
    }

    package init?(bytes: some Collection<UInt8>) {
        guard let prefix = HashPrefix(bytes: bytes) else { return nil }
        value = prefix.value
    }

    package init?(text: String) {
        guard let bytes = Hexadecimal.bytes(of: text) else { return nil }
        self.init(bytes: bytes)
    }

    package var bytes: [UInt8] { HashPrefix(value).bytes }

    /// 32 lower-case hexadecimal digits.
    package var text: String { Hexadecimal.text(of: bytes) }

    package static func < (left: RecordID, right: RecordID) -> Bool { left.value < right.value }
}
