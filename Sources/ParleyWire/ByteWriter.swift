package import ParleyCRDT

/// Appends the protocol's elementary forms to a byte array.
///
/// Specification: Protocol/parley-1.md "Notation"
package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8]

    package init(capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    package var count: Int { bytes.count }

    /// Forgets what was written but keeps the memory, for writers that are used again and again.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
    }

    package mutating func u8(_ value: UInt8) {
        bytes.append(value)
    }

    package mutating func u32(_ value: UInt32) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func u64(_ value: UInt64) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Seven bits a byte, lowest first, the top bit set on all but the last.
    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// A count, length or index. Negative numbers are our own mistake.
    package mutating func varint(_ value: Int) {
        varint(UInt64(value))
    }

    /// A signed number: 0, -1, 1, -2 ... as 0, 1, 2, 3 ...
    package mutating func zigzag(_ value: Int64) {
        varint(Zigzag.encode(value))
    }

    /// A length, then the bytes.
    package mutating func bytes(_ value: [UInt8]) {
        varint(value.count)
        bytes.append(contentsOf: value)
    }

    /// A text's length in bytes, then the bytes.
    package mutating func text(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            varint(utf8.count)
            bytes.append(contentsOf: utf8)
        }
    }

    package mutating func raw(_ value: [UInt8]) {
        bytes.append(contentsOf: value)
    }

    package mutating func raw(_ value: ArraySlice<UInt8>) {
        bytes.append(contentsOf: value)
    }

    package mutating func node(_ node: NodeID) {
        words(node.key)
    }

    package mutating func digest(_ digest: Digest) {
        words(digest.value)
    }

    package mutating func prefix(_ hash: HashPrefix) {
        withUnsafeBytes(of: hash.value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func origin(_ origin: Origin) {
        node(origin.node)
        u64(origin.epoch)
    }

    package mutating func tip(_ tip: Tip) {
        varint(tip.sequence)
        prefix(tip.hash)
    }

    /// The origin, then its tips with their count.
    package mutating func clockEntry(_ entry: Clock.Entry) {
        origin(entry.origin)
        varint(entry.tips.count)
        for tip in entry.tips { self.tip(tip) }
    }

    package mutating func clockEntries(_ entries: [Clock.Entry]) {
        varint(entries.count)
        for entry in entries { clockEntry(entry) }
    }

    private mutating func words(_ value: Bytes32) {
        value.withBytes { bytes.append(contentsOf: $0) }
    }
}

/// Signed numbers as unsigned ones, small magnitudes first.
enum Zigzag {
    static func encode(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: value << 1 ^ value >> 63)
    }

    static func decode(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}

/// How many bytes the elementary forms take, without writing them.
enum ByteCount {
    static func varint(_ value: UInt64) -> Int {
        value == 0 ? 1 : (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7
    }

    static func varint(_ value: Int) -> Int { varint(UInt64(value)) }

    static func bytes(_ count: Int) -> Int { varint(count) + count }
}
