/// Texts cut at single spaces, with each distinct word stored once.
///
/// Deflate finds repeated words by their distance, which in a long column costs two bytes or more
/// for each; an index into a list sorted by frequency costs one or two and then deflates too.
/// Specification: Protocol/parley-1.md "Word columns"
struct WordColumn {
    /// Below this many texts the list of words costs more than it saves.
    private static let minimumCount = 256
    /// Texts shorter than this on average are labels, which are equal as a whole or not at all.
    private static let minimumAverageByteCount = 16

    /// Most frequent first; those of equal frequency by their bytes.
    private let words: [[UInt8]]
    /// How many words each text has, at least one: a text without spaces is one word.
    private let counts: [UInt64]
    /// Which words, text after text.
    private let indexes: [UInt64]

    /// - Parameter always: tries it for every column, however few or short its texts are.
    /// - Returns: `nil` for columns that this encoding isn't tried for.
    init?(_ values: [[UInt8]], always: Bool) {
        let isTried =
            values.count >= WordColumn.minimumCount
            && values.reduce(0, { $0 + $1.count })
                >= values.count * WordColumn.minimumAverageByteCount
        guard isTried || always else { return nil }
        var counts: [UInt64] = []
        counts.reserveCapacity(values.count)
        var slices: [ArraySlice<UInt8>] = []
        for value in values {
            let before = slices.count
            WordColumn.cut(value, into: &slices)
            counts.append(UInt64(slices.count - before))
        }
        guard slices.count <= Limits.wordsPerColumn else { return nil }
        let pieces = StringDictionary(slices: slices, count: slices.count)
        var uses = Array(repeating: 0, count: pieces.distinct.count)
        for index in pieces.indexes { uses[Int(index)] += 1 }
        let order = pieces.distinct.indices.sorted {
            uses[$0] == uses[$1]
                ? pieces.distinct[$0].lexicographicallyPrecedes(pieces.distinct[$1])
                : uses[$0] > uses[$1]
        }
        var rank = Array(repeating: UInt64(0), count: order.count)
        for (position, word) in order.enumerated() { rank[word] = UInt64(position) }
        words = order.map { pieces.distinct[$0] }
        self.counts = counts
        indexes = pieces.indexes.map { rank[Int($0)] }
    }

    private static let space = UInt8(ascii: " ")

    private static func cut(_ value: [UInt8], into slices: inout [ArraySlice<UInt8>]) {
        var start = 0
        for (index, byte) in value.enumerated() where byte == space {
            slices.append(value[start..<index])
            start = index + 1
        }
        slices.append(value[start...])
    }

    var byteCount: Int {
        ByteCount.varint(words.count) + BytesColumn.plainByteCount(words)
            + IntegerColumn.byteCount(counts) + IntegerColumn.byteCount(indexes)
    }

    func write(into writer: inout ByteWriter) {
        writer.varint(words.count)
        BytesColumn.writePlain(words, into: &writer)
        IntegerColumn.write(counts, into: &writer)
        IntegerColumn.write(indexes, into: &writer)
    }

    /// Reads a column of `count` texts and joins the words of those in `part` again. What all of them
    /// join to is bounded, because a short index can name a long word as often as it likes.
    static func read(
        _ count: Int, part: Range<Int>, joinedBytesLeft: inout Int, from reader: inout ByteReader
    ) throws(WireError) -> [[UInt8]] {
        let start = reader.offset
        let wordCount = try reader.count(elementSize: 1)
        let words = try PlainStrings.read(wordCount, from: &reader)
        let counts = try IntegerColumn.read(
            count, below: UInt64(Limits.valueBytes) + 2, .value, from: &reader)
        guard !counts.contains(0) else { throw WireError(.outOfRange(.value), offset: start) }
        let total = counts.reduce(0, +)
        guard total <= UInt64(Limits.wordsPerColumn) else {
            throw WireError(.limitExceeded(.words), offset: start)
        }
        let indexes = try IntegerColumn.read(
            Int(total), below: UInt64(wordCount), .value, from: &reader)
        var values: [[UInt8]] = []
        values.reserveCapacity(part.count)
        var last: ArraySlice<UInt64> = []
        for (number, count) in counts.enumerated() {
            let run = indexes[last.endIndex..<last.endIndex + Int(count)]
            let length = run.reduce(run.count - 1) { $0 + words.byteCount(Int($1)) }
            guard length <= Limits.valueBytes else {
                throw WireError(.limitExceeded(.valueBytes), offset: start)
            }
            joinedBytesLeft -= length
            guard joinedBytesLeft >= 0 else {
                throw WireError(.limitExceeded(.expandedBytes), offset: start)
            }
            if part.contains(number) {
                // A few bytes can name the same words any number of times, so these share one text.
                let isRepeated = !values.isEmpty && run == last
                values.append(isRepeated ? values[values.count - 1] : join(words, run, length))
            }
            last = run
        }
        return values
    }

    private static func join(
        _ words: PlainStrings, _ run: ArraySlice<UInt64>, _ byteCount: Int
    ) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(byteCount)
        for position in run.indices {
            if position > run.startIndex { value.append(space) }
            value.append(contentsOf: words[Int(run[position])])
        }
        return value
    }
}
