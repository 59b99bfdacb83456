import ParleyCRDT
import ParleyModel
import ParleyWire
import Testing

/// Each limit at limit - 1, limit and limit + 1: the first two pass, the third is refused by name.
@Suite struct LimitTests {
    private static let around = [-1, 0, 1]

    private func outcome(_ batch: Batch) -> WireError.Code? {
        do throws(WireError) {
            let bytes = try batch.encoded(compress: true)
            #expect((try? Batch.decode(bytes)) == batch)
            return nil
        } catch {
            return error.code
        }
    }

    private func expect(
        _ batch: Batch, exceeds limit: WireError.Limit, at offset: Int,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let expected: WireError.Code? = offset > 0 ? .limitExceeded(limit) : nil
        #expect(outcome(batch) == expected, sourceLocation: location)
    }

    private func record(
        _ operations: [Operation], context: [Clock.Entry] = []
    ) -> (counter: UInt16, context: [Clock.Entry], groups: [Group]) {
        (0, context, [.creation(type: VectorValues.name("note"), operations)])
    }

    private func write(_ byteCount: Int, _ field: String = "note", byte: UInt8 = 0x78) -> Operation
    {
        Operation(
            .write, field: VectorValues.name(field),
            values: [.text(Array(repeating: byte, count: byteCount))])
    }

    @Test(arguments: around) func changesOfABatch(offset: Int) {
        let changes = (0..<Limits.changesPerBatch + offset).map { _ in record([]) }
        expect(VectorValues.batch(changes), exceeds: .changes, at: offset)
    }

    @Test(arguments: around) func bytesOfAValue(offset: Int) {
        let batch = VectorValues.batch([record([write(Limits.valueBytes + offset)])])
        expect(batch, exceeds: .valueBytes, at: offset)
    }

    @Test(arguments: around) func bytesOfAChange(offset: Int) {
        func batch(_ second: Int) -> Batch {
            VectorValues.batch([
                record([write(60_000, "a"), write(60_000, "b", byte: 0x79), write(second, "c")])
            ])
        }
        let rest = Limits.changeBytes - batch(8_000).changes[0].byteCount
        let exact = batch(8_000 + rest + offset)
        #expect(exact.changes[0].byteCount == Limits.changeBytes + offset)
        expect(exact, exceeds: .changeBytes, at: offset)
    }

    /// Many groups, each with few operations, so that no change is too large before.
    @Test(arguments: around) func operationsOfABatch(offset: Int) {
        let kind = OperationKind(rawValue: 99)
        let empty = Operation(kind, field: nil, values: [])
        let full = record(Array(repeating: empty, count: 512))
        let last = record(Array(repeating: empty, count: 512 + offset))
        let batch = VectorValues.batch(Array(repeating: full, count: 127) + [last])
        expect(batch, exceeds: .operations, at: offset)
    }

    @Test(arguments: around) func valuesOfABatch(offset: Int) {
        func values(_ count: Int) -> (counter: UInt16, context: [Clock.Entry], groups: [Group]) {
            record([
                Operation(
                    OperationKind(rawValue: 99), field: nil,
                    values: Array(repeating: .absent, count: count))
            ])
        }
        let batch = VectorValues.batch([values(32_768), values(32_768 + offset)])
        expect(batch, exceeds: .values, at: offset)
    }

    @Test(arguments: around) func dropsOfABatch(offset: Int) {
        let drop = DotReference(origin: VectorValues.originB, sequence: 5)
        func drops(_ count: Int) -> (counter: UInt16, context: [Clock.Entry], groups: [Group]) {
            record([
                Operation(
                    .resolve, field: VectorValues.name("a"), values: [.absent],
                    drops: Array(repeating: drop, count: count))
            ])
        }
        let batch = VectorValues.batch(
            (0..<64).map { _ in drops(1_024) } + (offset > 0 ? [drops(offset)] : []))
        expect(batch, exceeds: .drops, at: offset)
    }

    /// Every group needs a salt, every text of a sensitive operation another one.
    @Test(arguments: around) func saltsOfABatch(offset: Int) {
        let secret = Operation(
            .add, field: VectorValues.name("note"),
            values: (0..<499).map { .text(Array("\($0)".utf8)) }, isSensitive: true)
        let full = record([secret])
        let last = record(
            [
                Operation(
                    .add, field: VectorValues.name("note"),
                    values: (0..<499 + offset).map { .text(Array("\($0)".utf8)) },
                    isSensitive: true)
            ])
        let batch = VectorValues.batch(Array(repeating: full, count: 21) + [last])
        expect(batch, exceeds: .salts, at: offset)
    }

    @Test(arguments: around) func tipsOfAContext(offset: Int) {
        let tips = (0..<Limits.tips + offset).map { VectorValues.tip(UInt64($0) + 1, 1) }
        let context = [Clock.Entry(origin: VectorValues.originB, tips: tips)]
        expect(
            VectorValues.batch([record([], context: context)]), exceeds: .tips, at: offset)
    }

    /// Columns that don't shrink: texts of random bytes, all different.
    @Test(arguments: around) func bytesOfTheColumns(offset: Int) throws {
        var generator = SeededGenerator(seed: 5)
        func batch(_ last: Int) -> Batch {
            VectorValues.batch(
                (0..<5).map { index in
                    let size = index == 4 ? last : 60_000
                    var text = generator.bytes(size)
                    for position in text.indices { text[position] &= 0x7f }
                    return record([
                        Operation(
                            .write, field: VectorValues.name("note"), values: [.text(text)])
                    ])
                })
        }
        let missing = Limits.columnBytes - (try batch(20_000).columnByteCount())
        expect(batch(20_000 + missing + offset), exceeds: .columnBytes, at: offset)
    }

    /// Few long texts of the same words: by themselves too many bytes, as words not.
    @Test func textsThatOnlyFitAsWordsGoAsWords() throws {
        var generator = SeededGenerator(seed: 9)
        let words = (0..<1000).map { "word\($0)" }
        func text() -> [UInt8] {
            Array((0..<700).map { _ in generator.pick(words) }.joined(separator: " ").utf8)
        }
        let batch = VectorValues.batch(
            (0..<80).map { _ in
                record([
                    Operation(.write, field: VectorValues.name("note"), values: [.text(text())])
                ])
            })
        let size = batch.changes.reduce(0) { $0 + $1.byteCount }
        #expect(size > Limits.columnBytes)
        #expect(outcome(batch) == nil)
    }

    /// One long text many times takes few bytes in columns, but every holder must hash them all.
    @Test(arguments: around) func bytesThatColumnsStandFor(offset: Int) {
        func batch(_ last: Int) -> Batch {
            VectorValues.batch(
                (0..<65).map { record([write($0 == 64 ? last : 65_000)]) })
        }
        let size = batch(20_000).changes.reduce(0) { $0 + $1.byteCount }
        let exact = batch(20_000 + Limits.expandedBytesPerBatch - size + offset)
        #expect(
            exact.changes.reduce(0) { $0 + $1.byteCount } == Limits.expandedBytesPerBatch + offset)
        expect(exact, exceeds: .expandedBytes, at: offset)
    }

    @Test(arguments: around) func tipsOfAClock(offset: Int) throws {
        let tips = (0..<Limits.tips + offset).map { VectorValues.tip(UInt64($0) + 1, 1) }
        let message = Message.acknowledgement(
            casebook: 0, entries: [.init(origin: VectorValues.originA, tips: tips)])
        try expect(message, exceeds: .tips, at: offset)
    }

    @Test(arguments: around) func casebooksOfAHello(offset: Int) throws {
        let casebooks = (0..<Limits.casebooks + offset).map { index in
            Hello.Casebook(
                id: Digest(Bytes32(first: UInt64(index), second: 0, third: 0, fourth: 0)),
                clockDigest: VectorValues.hash(1))
        }
        try expect(.hello(Hello(run: 1, casebooks: casebooks)), exceeds: .casebooks, at: offset)
    }

    @Test(arguments: around) func bytesOfANameAndAnAddress(offset: Int) throws {
        let name = String(repeating: "n", count: Limits.nameBytes + offset)
        try expect(
            .join(
                Join(
                    casebook: VectorValues.casebook, secret: Array(repeating: 0, count: 16),
                    name: name)),
            exceeds: .textBytes, at: offset)
        let address = PeerAddress(
            node: VectorValues.nodeA, seenMilliseconds: 1,
            address: String(repeating: "a", count: Limits.addressBytes + offset))
        try expect(.addresses(casebook: 0, [address]), exceeds: .textBytes, at: offset)
    }

    private func expect(
        _ message: Message, exceeds limit: WireError.Limit, at offset: Int
    ) throws {
        let payload = Array(message.encoded().dropFirst())
        let decode = { try Message(tag: message.tag.rawValue, payload: payload) }
        guard offset > 0 else {
            #expect(try decode() == message)
            return
        }
        let error = #expect(throws: WireError.self) { try decode() }
        #expect(error?.code == .limitExceeded(limit))
    }
}
