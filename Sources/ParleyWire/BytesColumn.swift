/// A column of byte strings in whichever encoding is smallest before deflate.
///
/// How many strings there are is known from what came before. A column of none takes no bytes.
/// Specification: Protocol/parley-1.md "Bytes columns"
enum BytesColumn {
    enum Encoding: UInt8 {
        /// Lengths, then all bytes joined.
        case plain = 0
        /// The distinct strings, then which one stands where.
        case dictionary = 1
        /// Every string is a decimal number in its only spelling.
        case decimals = 2
        /// Strings cut into words, see `WordColumn`.
        case words = 3
    }

    /// - Parameter alwaysWords: see `WordColumn`.
    static func write(
        _ values: [[UInt8]], alwaysWords: Bool = false, into writer: inout ByteWriter
    ) {
        guard !values.isEmpty else { return }
        let dictionary = StringDictionary(values)
        var best = (encoding: Encoding.plain, byteCount: plainByteCount(values))
        func consider(_ encoding: Encoding, _ byteCount: Int) {
            if byteCount < best.byteCount { best = (encoding, byteCount) }
        }
        consider(.dictionary, dictionary.byteCount)
        let numbers = decimals(values)
        if let numbers { consider(.decimals, IntegerColumn.byteCount(numbers)) }
        let words = WordColumn(values, always: alwaysWords)
        if let words { consider(.words, words.byteCount) }

        writer.u8(best.encoding.rawValue)
        switch best.encoding {
        case .plain: writePlain(values, into: &writer)
        case .dictionary: dictionary.write(into: &writer)
        case .decimals: IntegerColumn.write(numbers ?? [], into: &writer)
        case .words: words?.write(into: &writer)
        }
    }

    /// Reads a column of `count` strings of at most `Limits.valueBytes`, and makes those in `part`.
    /// Equal strings of a dictionary share their storage, so a repeated long text doesn't multiply
    /// here; joined words do, so they have a bound for the whole batch.
    static func read(
        _ count: Int, part: Range<Int>, joinedBytesLeft: inout Int, from reader: inout ByteReader
    ) throws(WireError) -> [[UInt8]] {
        guard count > 0 else { return [] }
        let start = reader.offset
        let tag = try reader.u8()
        switch Encoding(rawValue: tag) {
        case .plain:
            return try PlainStrings.read(count, from: &reader).strings(part)
        case .dictionary:
            return try StringDictionary.read(count, part: part, from: &reader)
        case .decimals:
            return texts(of: try IntegerColumn.read(count, from: &reader)[part])
        case .words:
            return try WordColumn.read(
                count, part: part, joinedBytesLeft: &joinedBytesLeft, from: &reader)
        case nil: throw WireError(.unknownColumn(tag: tag), offset: start)
        }
    }

    static func writePlain(_ values: [[UInt8]], into writer: inout ByteWriter) {
        IntegerColumn.write(values.map { UInt64($0.count) }, into: &writer)
        for value in values { writer.raw(value) }
    }

    static func plainByteCount(_ values: [[UInt8]]) -> Int {
        IntegerColumn.byteCount(values.map { UInt64($0.count) })
            + values.reduce(0) { $0 + $1.count }
    }

    /// The spellings of zigzag numbers. A run of one number shares one text: three bytes can stand
    /// for any number of them.
    private static func texts(of numbers: ArraySlice<UInt64>) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        texts.reserveCapacity(numbers.count)
        var last: UInt64?
        for number in numbers {
            texts.append(number == last ? texts[texts.count - 1] : Decimal.text(number))
            last = number
        }
        return texts
    }

    /// The strings as zigzag numbers; `nil` unless every one of them is such a spelling.
    private static func decimals(_ values: [[UInt8]]) -> [UInt64]? {
        var numbers: [UInt64] = []
        numbers.reserveCapacity(values.count)
        for value in values {
            guard let number = Decimal.number(value) else { return nil }
            numbers.append(Zigzag.encode(number))
        }
        return numbers
    }
}

/// Strings that stand one after the other in a batch, behind their lengths: where each is.
struct PlainStrings {
    private let bytes: [UInt8]
    /// Where the first string begins, then where each ends.
    private let bounds: [Int]

    static func read(_ count: Int, from reader: inout ByteReader) throws(WireError) -> PlainStrings
    {
        let start = reader.offset
        let lengths = try IntegerColumn.read(count, from: &reader)
        var bounds: [Int] = []
        bounds.reserveCapacity(count + 1)
        var end = reader.offset
        bounds.append(end)
        for length in lengths {
            guard length <= UInt64(Limits.valueBytes) else {
                throw WireError(.limitExceeded(.valueBytes), offset: start)
            }
            end += Int(length)
            bounds.append(end)
        }
        try reader.skip(end - reader.offset)
        return PlainStrings(bytes: reader.bytes, bounds: bounds)
    }

    func byteCount(_ index: Int) -> Int { bounds[index + 1] - bounds[index] }

    subscript(index: Int) -> ArraySlice<UInt8> { bytes[bounds[index]..<bounds[index + 1]] }

    func strings(_ part: Range<Int>) -> [[UInt8]] {
        part.map { Array(self[$0]) }
    }
}
