/// The distinct strings of a column in order of first use, and which one stands where.
struct StringDictionary {
    private(set) var distinct: [[UInt8]] = []
    private(set) var indexes: [UInt64] = []

    /// Hashing a byte array one byte at a time took most of the time of encoding; this hashes it
    /// as a block, still with the process's own seed, so that nobody can aim at collisions.
    private struct Key: Hashable {
        let bytes: ArraySlice<UInt8>

        func hash(into hasher: inout Hasher) {
            bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    init(_ values: [[UInt8]]) {
        self.init(slices: values.lazy.map { $0[...] }, count: values.count)
    }

    init(slices: some Sequence<ArraySlice<UInt8>>, count: Int) {
        var positions: [Key: UInt64] = [:]
        indexes.reserveCapacity(count)
        for slice in slices {
            // Neighbours are often equal; comparing is cheaper than hashing.
            if let last = indexes.last, distinct[Int(last)][...] == slice {
                indexes.append(last)
                continue
            }
            let next = UInt64(distinct.count)
            let position = positions[Key(bytes: slice), default: next]
            if position == next {
                positions[Key(bytes: slice)] = next
                distinct.append(Array(slice))
            }
            indexes.append(position)
        }
    }

    var byteCount: Int {
        ByteCount.varint(distinct.count) + BytesColumn.plainByteCount(distinct)
            + IntegerColumn.byteCount(indexes)
    }

    func write(into writer: inout ByteWriter) {
        writer.varint(distinct.count)
        BytesColumn.writePlain(distinct, into: &writer)
        IntegerColumn.write(indexes, into: &writer)
    }

    /// Reads a column of `count` strings and makes those in `part`; equal ones share their storage.
    static func read(
        _ count: Int, part: Range<Int>, from reader: inout ByteReader
    ) throws(WireError) -> [[UInt8]] {
        let distinctCount = Int(try reader.varint(in: 1...UInt64(count), .value))
        let distinct = try PlainStrings.read(distinctCount, from: &reader)
        let indexes = try IntegerColumn.read(
            count, below: UInt64(distinctCount), .value, from: &reader)
        var made = Array(repeating: [UInt8](), count: distinctCount)
        var strings: [[UInt8]] = []
        strings.reserveCapacity(part.count)
        for index in indexes[part] {
            let index = Int(index)
            if made[index].isEmpty { made[index] = Array(distinct[index]) }
            strings.append(made[index])
        }
        return strings
    }
}
