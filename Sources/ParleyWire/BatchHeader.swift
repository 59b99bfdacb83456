package import ParleyCRDT

/// What stands before a batch's columns, readable without inflating them.
///
/// Specification: Protocol/parley-1.md "Batch header"
package struct BatchHeader: Hashable, Sendable {
    /// How the columns are stored.
    package enum Body: Hashable, Sendable {
        case plain
        /// One raw deflate stream that makes `byteCount` bytes.
        case deflated(dictionary: UInt8, byteCount: Int)
    }

    package let origin: Origin
    package let first: UInt64
    package let count: Int
    package let previous: HashPrefix?
    package let signature: [UInt8]
    package let body: Body
    /// Where the columns begin, counted from the start of the batch.
    package let bodyOffset: Int

    package var last: UInt64 { first + UInt64(count - 1) }

    /// How many bytes the columns of a batch have, inflated where they were deflated.
    package func columnByteCount(in batch: [UInt8]) -> Int {
        switch body {
        case .plain: batch.count - bodyOffset
        case .deflated(_, let byteCount): byteCount
        }
    }

    private enum Flag {
        static let deflated: UInt8 = 1
        static let previous: UInt8 = 2
        static let reserved: UInt8 = 0b1100
    }

    /// - Throws: offsets count from the start of the batch.
    package init(of batch: [UInt8]) throws(WireError) {
        guard batch.count <= Limits.batchBytes else {
            throw WireError(.limitExceeded(.batchBytes), offset: 0)
        }
        var reader = ByteReader(batch)
        origin = try reader.origin()
        first = try reader.sequence()
        let position = reader.offset
        let number = try reader.varint(in: 1...UInt64.max, .change)
        guard number <= UInt64(Limits.changesPerBatch) else {
            throw WireError(.limitExceeded(.changes), offset: position)
        }
        guard first <= UInt64.max - (number - 1) else {
            throw WireError(.outOfRange(.sequence), offset: position)
        }
        count = Int(number)
        let flagPosition = reader.offset
        let flags = try reader.u8()
        let isDeflated = flags & Flag.deflated != 0
        guard flags & Flag.reserved == 0, isDeflated || flags >> 4 == 0 else {
            throw WireError(.reservedBits, offset: flagPosition)
        }
        guard PresetDictionary.isKnown(flags >> 4) else {
            throw WireError(.unknownDictionary(number: flags >> 4), offset: flagPosition)
        }
        previous = flags & Flag.previous == 0 ? nil : try reader.prefix()
        signature = try reader.raw(Batch.signatureBytes)
        body = isDeflated ? try BatchHeader.deflated(flags >> 4, from: &reader) : .plain
        bodyOffset = reader.offset
    }

    private static func deflated(
        _ dictionary: UInt8, from reader: inout ByteReader
    ) throws(WireError) -> Body {
        let position = reader.offset
        let length = try reader.varint()
        guard length <= UInt64(Limits.inflatedBytes) else {
            throw WireError(.limitExceeded(.inflatedBytes), offset: position)
        }
        return .deflated(dictionary: dictionary, byteCount: Int(length))
    }

    /// What stands before these columns of a batch.
    init(of batch: Batch, body: Body) {
        self.init(
            origin: batch.origin, first: batch.first, count: batch.changes.count,
            previous: batch.previous, signature: batch.signature, body: body, bodyOffset: 0)
    }

    private init(
        origin: Origin, first: UInt64, count: Int, previous: HashPrefix?, signature: [UInt8],
        body: Body, bodyOffset: Int
    ) {
        self.origin = origin
        self.first = first
        self.count = count
        self.previous = previous
        self.signature = signature
        self.body = body
        self.bodyOffset = bodyOffset
    }

    fileprivate func naming(_ previous: HashPrefix) -> BatchHeader {
        BatchHeader(
            origin: origin, first: first, count: count, previous: previous, signature: signature,
            body: body, bodyOffset: bodyOffset)
    }

    func write(into writer: inout ByteWriter) {
        writer.origin(origin)
        writer.varint(first)
        writer.varint(count)
        var flags = previous == nil ? 0 : Flag.previous
        if case .deflated(let dictionary, _) = body { flags |= Flag.deflated | dictionary << 4 }
        writer.u8(flags)
        if let previous { writer.prefix(previous) }
        writer.raw(signature)
        if case .deflated(_, let byteCount) = body { writer.varint(byteCount) }
    }
}

extension Batch {
    /// Reads what stands before the columns, without inflating or decoding them.
    package static func header(of bytes: [UInt8]) throws(WireError) -> BatchHeader {
        try BatchHeader(of: bytes)
    }

    /// The same batch saying what it follows: only its header is another.
    ///
    /// - Returns: `nil` where it would be too large with that.
    package static func naming(
        _ previous: HashPrefix, in bytes: [UInt8]
    ) throws(WireError) -> [UInt8]? {
        let header = try BatchHeader(of: bytes)
        var writer = ByteWriter(capacity: bytes.count + HashPrefix.byteCount)
        header.naming(previous).write(into: &writer)
        writer.raw(bytes[header.bodyOffset...])
        return writer.count <= Limits.batchBytes ? writer.bytes : nil
    }
}
