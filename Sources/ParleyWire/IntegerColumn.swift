/// A column of unsigned numbers in whichever of three encodings is smallest.
///
/// How many numbers there are is known from what came before. A column of none takes no bytes.
/// Specification: Protocol/parley-1.md "Integer columns"
enum IntegerColumn {
    private enum Encoding: UInt8 {
        /// One number that stands for all.
        case equal = 0
        case plain = 1
        /// Pairs of number and length; neighbours differ.
        case runs = 2
    }

    static func write(_ values: [UInt64], into writer: inout ByteWriter) {
        guard let first = values.first else { return }
        let encoding = choice(for: values).encoding
        writer.u8(encoding.rawValue)
        switch encoding {
        case .equal: writer.varint(first)
        case .plain: for value in values { writer.varint(value) }
        case .runs:
            forEachRun(of: values) { value, length in
                writer.varint(value)
                writer.varint(length)
            }
        }
    }

    /// The bytes `write` would append.
    static func byteCount(_ values: [UInt64]) -> Int {
        values.isEmpty ? 0 : choice(for: values).byteCount
    }

    /// Reads `count` numbers. The caller has bounded `count`, because three bytes can stand for any.
    static func read(_ count: Int, from reader: inout ByteReader) throws(WireError) -> [UInt64] {
        guard count > 0 else { return [] }
        let start = reader.offset
        let tag = try reader.u8()
        switch Encoding(rawValue: tag) {
        case .equal: return Array(repeating: try reader.varint(), count: count)
        case .plain: return try readPlain(count, from: &reader)
        case .runs: return try readRuns(count, from: &reader)
        case nil: throw WireError(.unknownColumn(tag: tag), offset: start)
        }
    }

    /// Reads `count` numbers that must all lie below `bound`, and blames `field` otherwise.
    static func read(
        _ count: Int, below bound: UInt64, _ field: WireError.Field, from reader: inout ByteReader
    ) throws(WireError) -> [UInt64] {
        let start = reader.offset
        let values = try read(count, from: &reader)
        for value in values where value >= bound {
            throw WireError(.outOfRange(field), offset: start)
        }
        return values
    }

    private static func readPlain(
        _ count: Int, from reader: inout ByteReader
    ) throws(WireError) -> [UInt64] {
        try reader.require(count)
        var values: [UInt64] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try reader.varint()) }
        return values
    }

    private static func readRuns(
        _ count: Int, from reader: inout ByteReader
    ) throws(WireError) -> [UInt64] {
        var values: [UInt64] = []
        values.reserveCapacity(count)
        while values.count < count {
            let position = reader.offset
            let value = try reader.varint()
            let length = try reader.varint()
            guard length > 0, length <= UInt64(count - values.count), values.last != value else {
                throw WireError(.outOfRange(.run), offset: position)
            }
            for _ in 0..<length { values.append(value) }
        }
        return values
    }

    private static func choice(
        for values: [UInt64]
    ) -> (encoding: Encoding, byteCount: Int) {
        var plain = 1
        for value in values { plain += ByteCount.varint(value) }
        var runs = 1
        var runCount = 0
        forEachRun(of: values) { value, length in
            runs += ByteCount.varint(value) + ByteCount.varint(length)
            runCount += 1
        }
        if runCount == 1 { return (.equal, 1 + ByteCount.varint(values[0])) }
        return plain <= runs ? (.plain, plain) : (.runs, runs)
    }

    private static func forEachRun(of values: [UInt64], _ body: (UInt64, Int) -> Void) {
        var start = 0
        while start < values.count {
            var end = start + 1
            while end < values.count, values[end] == values[start] { end += 1 }
            body(values[start], end - start)
            start = end
        }
    }
}
