package import ParleyCRDT

/// Reads the protocol's elementary forms from a byte array, or from a part of one.
///
/// No read goes beyond the end or traps, whatever the bytes are, and no count is believed before
/// there are bytes enough for it.
/// Specification: Protocol/parley-1.md "Notation"
package struct ByteReader: Sendable {
    package let bytes: [UInt8]
    /// The next byte to read, counted from the start of `bytes`.
    package private(set) var offset: Int
    private let end: Int

    package init(_ bytes: [UInt8]) {
        self.init(bytes, range: bytes.indices)
    }

    package init(_ bytes: [UInt8], range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    package var remaining: Int { end - offset }

    package func error(_ code: WireError.Code) -> WireError {
        WireError(code, offset: offset)
    }

    /// Demands that everything has been read.
    package func finish() throws(WireError) {
        guard remaining == 0 else { throw error(.trailing(bytes: remaining)) }
    }

    /// Demands that `count` more bytes are there.
    package func require(_ count: Int) throws(WireError) {
        guard count <= remaining else { throw error(.truncated(needed: count - remaining)) }
    }

    package mutating func u8() throws(WireError) -> UInt8 {
        try require(1)
        defer { offset += 1 }
        return bytes[offset]
    }

    package mutating func u32() throws(WireError) -> UInt32 {
        try require(4)
        var value: UInt32 = 0
        for _ in 0..<4 {
            value = value << 8 | UInt32(bytes[offset])
            offset += 1
        }
        return value
    }

    package mutating func u64() throws(WireError) -> UInt64 {
        try require(8)
        var value: UInt64 = 0
        for _ in 0..<8 {
            value = value << 8 | UInt64(bytes[offset])
            offset += 1
        }
        return value
    }

    /// Reads seven bits a byte and refuses forms longer than the shortest.
    package mutating func varint() throws(WireError) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard offset < end else { throw error(.truncated(needed: 1)) }
            let byte = bytes[offset]
            offset += 1
            // The tenth byte holds the 64th bit alone.
            guard shift < 63 || byte <= 1 else {
                throw WireError(.varintMalformed, offset: start)
            }
            value |= UInt64(byte & 0x7f) << shift
            guard byte & 0x80 != 0 else {
                guard byte != 0 || shift == 0 else {
                    throw WireError(.varintMalformed, offset: start)
                }
                return value
            }
            shift += 7
        }
    }

    package mutating func zigzag() throws(WireError) -> Int64 {
        Zigzag.decode(try varint())
    }

    /// Reads a number that must lie in `range`, and blames `field` otherwise.
    package mutating func varint(
        in range: ClosedRange<UInt64>, _ field: WireError.Field
    ) throws(WireError) -> UInt64 {
        let start = offset
        let value = try varint()
        guard range.contains(value) else { throw WireError(.outOfRange(field), offset: start) }
        return value
    }

    /// Reads how many elements follow, and checks that there are bytes enough for them.
    ///
    /// - Parameter elementSize: the fewest bytes one element takes.
    package mutating func count(elementSize: Int) throws(WireError) -> Int {
        let start = offset
        return try affordable(try varint(), elementSize: elementSize, at: start)
    }

    /// Reads how many elements follow, at most `limit` of them.
    package mutating func count(
        elementSize: Int, limit: Int, _ name: WireError.Limit
    ) throws(WireError) -> Int {
        let start = offset
        let value = try varint()
        guard value <= UInt64(limit) else {
            throw WireError(.limitExceeded(name), offset: start)
        }
        return try affordable(value, elementSize: elementSize, at: start)
    }

    /// A count for whose elements there are bytes enough.
    private func affordable(
        _ count: UInt64, elementSize: Int, at start: Int
    ) throws(WireError) -> Int {
        #if DEBUG
            if PlantedDefect.countTrusted.isPlanted { return Int(min(count, 1 << 20)) }
        #endif
        guard count <= UInt64(remaining / max(elementSize, 1)) else {
            throw WireError(.truncated(needed: 1), offset: start)
        }
        return Int(count)
    }

    /// Reads a length, then that many bytes.
    package mutating func bytes(
        limit: Int = .max, _ name: WireError.Limit = .textBytes
    ) throws(WireError) -> [UInt8] {
        let length = try count(elementSize: 1, limit: limit, name)
        return try raw(length)
    }

    package mutating func raw(_ count: Int) throws(WireError) -> [UInt8] {
        try require(count)
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    /// Passes over bytes that may be looked at later, by where they stand.
    package mutating func skip(_ count: Int) throws(WireError) {
        try require(count)
        offset += count
    }

    /// Reads all that is left.
    package mutating func rest() -> [UInt8] {
        defer { offset = end }
        return Array(bytes[offset..<end])
    }

    /// Reads a text of at most `limit` bytes that must be UTF-8.
    package mutating func text(limit: Int) throws(WireError) -> String {
        let start = offset
        let bytes = try bytes(limit: limit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw WireError(.textMalformed, offset: start)
        }
        return text
    }

    package mutating func node() throws(WireError) -> NodeID {
        try require(NodeID.byteCount)
        defer { offset += NodeID.byteCount }
        return NodeID(bytes: bytes[offset..<offset + NodeID.byteCount])!
    }

    package mutating func digest() throws(WireError) -> Digest {
        try require(Digest.byteCount)
        return Digest(
            Bytes32(first: try u64(), second: try u64(), third: try u64(), fourth: try u64()))
    }

    package mutating func prefix() throws(WireError) -> HashPrefix {
        try require(HashPrefix.byteCount)
        return HashPrefix(UInt128(try u64()) << 64 | UInt128(try u64()))
    }

    package mutating func origin() throws(WireError) -> Origin {
        try require(Origin.byteCount)
        return Origin(node: try node(), epoch: try u64())
    }

    /// Reads a position in a log, which counts from 1.
    package mutating func sequence() throws(WireError) -> UInt64 {
        try varint(in: 1...UInt64.max, .sequence)
    }

    package mutating func tip() throws(WireError) -> Tip {
        Tip(sequence: try sequence(), hash: try prefix())
    }
}
