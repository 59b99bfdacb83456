/// A SHA-256 digest.
package struct Digest: Hashable, Comparable, Sendable {
    package static let byteCount = Bytes32.byteCount
    package static let zero = Digest(Bytes32(first: 0, second: 0, third: 0, fourth: 0))

    package let value: Bytes32

    package init(_ value: Bytes32) {
        self.value = value
    }

    /// - Returns: `nil` unless exactly 32 bytes are given.
    @inlinable
    package init?(bytes: some Collection<UInt8>) {
        guard let value = Bytes32(bytes) else { return nil }
        self.value = value
    }

    package var bytes: [UInt8] { value.bytes }

    /// The first 16 bytes, by which changes are named in clocks and contexts.
    package var prefix: HashPrefix {
        HashPrefix(UInt128(value.first) << 64 | UInt128(value.second))
    }

    package static func < (left: Digest, right: Digest) -> Bool { left.value < right.value }
}

/// The first 16 bytes of a change's hash, big-endian: tells the branches of a forked log apart.
package struct HashPrefix: Hashable, Comparable, Sendable {
    package static let byteCount = 16

    package let value: UInt128

    package init(_ value: UInt128) {
        self.value = value
    }

    /// - Returns: `nil` unless exactly 16 bytes are given.
    @inlinable
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == HashPrefix.byteCount else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    package var bytes: [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    package static func < (left: HashPrefix, right: HashPrefix) -> Bool {
        left.value < right.value
    }
}
