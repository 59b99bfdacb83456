/// Thirty-two bytes as four big-endian words: the storage of keys and digests.
///
/// Words rather than an array, because these values sit inside every dot and must be copied and
/// compared without reference counting. Order is that of the bytes.
package struct Bytes32: Hashable, Comparable, Sendable {
    package static let byteCount = 32

    package let first: UInt64
    package let second: UInt64
    package let third: UInt64
    package let fourth: UInt64

    package init(first: UInt64, second: UInt64, third: UInt64, fourth: UInt64) {
        self.first = first
        self.second = second
        self.third = third
        self.fourth = fourth
    }

    /// - Returns: `nil` unless exactly 32 bytes are given.
    @inlinable
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Bytes32.byteCount else { return nil }
        let words =
            bytes.withContiguousStorageIfAvailable { Bytes32.words(UnsafeRawBufferPointer($0)) }
            ?? Array(bytes).withUnsafeBytes { Bytes32.words($0) }
        self.init(
            first: UInt64(bigEndian: words.0), second: UInt64(bigEndian: words.1),
            third: UInt64(bigEndian: words.2), fourth: UInt64(bigEndian: words.3))
    }

    @inlinable
    static func words(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64, UInt64, UInt64) {
        bytes.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self)
    }

    package var bytes: [UInt8] {
        withBytes { Array($0) }
    }

    /// The bytes, without an array made of them.
    @inlinable
    package func withBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws -> Value
    ) rethrows -> Value {
        try withUnsafeBytes(
            of: (first.bigEndian, second.bigEndian, third.bigEndian, fourth.bigEndian), body)
    }

    package static func < (left: Bytes32, right: Bytes32) -> Bool {
        if left.first != right.first { return left.first < right.first }
        if left.second != right.second { return left.second < right.second }
        if left.third != right.third { return left.third < right.third }
        return left.fourth < right.fourth
    }
}
