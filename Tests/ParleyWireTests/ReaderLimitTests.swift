import ParleyCRDT
import ParleyModel
import ParleyWire
import Testing

/// The limits again, at limit - 1, limit and limit + 1, in bytes that our own writer would refuse
/// to make: what protects the reader must not be the writer.
@Suite struct ReaderLimitTests {
    private static let around = [-1, 0, 1]

    private func expect(
        _ columns: RawColumns, exceeds limit: WireError.Limit, at offset: Int,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let expected: WireError.Code? = offset > 0 ? .limitExceeded(limit) : nil
        #expect(columns.failure == expected, sourceLocation: location)
    }

    private func text(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x78, count: count) }

    /// One shape is many operations; how often it stands is one number.
    @Test(arguments: around) func operationsOfABatch(offset: Int) {
        let empty = RawColumns.operation(kind: 99, values: [])
        var columns = RawColumns()
        columns.changes = 129
        columns.shapes = [512, 1 + offset].map {
            RawColumns.shape(Array(repeating: empty, count: $0))
        }
        columns.shapes[0] = RawColumns.shape(Array(repeating: empty, count: 511))
        columns.shapes[1] = RawColumns.shape(Array(repeating: empty, count: 128 + offset))
        columns.shapeNumbers = RawColumns.bytes {
            $0.raw([2])
            $0.raw([0, 0x80, 1, 1, 1])
        }
        expect(columns, exceeds: .operations, at: offset)
    }

    @Test(arguments: around) func valuesOfABatch(offset: Int) {
        var columns = RawColumns()
        columns.changes = 2
        columns.shapes = [32_768, 32_768 + offset].map {
            RawColumns.shape([
                RawColumns.operation(kind: 99, values: [UInt8](repeating: 0, count: $0))
            ])
        }
        columns.shapeNumbers = [1, 0, 1]
        if offset == 0 {
            columns.shapes.removeLast()
            columns.shapeNumbers = RawColumns.same(0)
        }
        expect(columns, exceeds: .values, at: offset)
    }

    @Test(arguments: around) func dropsOfABatch(offset: Int) {
        var columns = RawColumns()
        columns.changes = 65
        columns.origins = [VectorValues.originB]
        columns.shapes = [1_008, 1_024 + offset].map {
            RawColumns.shape([RawColumns.operation(kind: 2, values: [0], drops: $0)])
        }
        columns.shapeNumbers = RawColumns.bytes { $0.raw([2, 0, 64, 1, 1]) }
        let total = 64 * 1_008 + 1_024 + offset
        columns.references = RawColumns.bytes { writer in
            writer.raw(RawColumns.same(1))
            writer.raw([2, 10, 1, 0])
            writer.varint(total - 1)
            writer.raw(RawColumns.same(0))
        }
        expect(columns, exceeds: .drops, at: offset)
    }

    /// So many need more salts than there may be; what is counted first shows first.
    @Test(arguments: around) func groupsOfABatch(offset: Int) {
        var columns = RawColumns()
        columns.changes = 32
        columns.groupsPerChange = RawColumns.bytes { writer in
            writer.u8(1)
            for index in 0..<32 { writer.varint(index == 0 ? 2_048 + offset : 2_048) }
        }
        #expect(columns.failure == .limitExceeded(offset > 0 ? .groups : .salts))
    }

    @Test(arguments: around) func saltsOfABatch(offset: Int) {
        var columns = RawColumns()
        columns.changes = 11
        columns.groupsPerChange = RawColumns.bytes { writer in
            writer.u8(1)
            for index in 0..<11 { writer.varint(index == 0 ? 1_000 + offset : 1_000) }
        }
        expect(columns, exceeds: .salts, at: offset)
    }

    @Test(arguments: around) func tipsOfAContext(offset: Int) {
        let count = Limits.tips + offset
        var columns = RawColumns()
        columns.origins = [VectorValues.originB]
        columns.contextsPerChange = RawColumns.same(1)
        columns.contexts = RawColumns.bytes { writer in
            writer.raw(RawColumns.same(1))
            writer.raw(RawColumns.same(count))
            writer.raw(RawColumns.same(2))
            for index in 0..<count { writer.prefix(HashPrefix(UInt128(index))) }
        }
        let expected: WireError.Code? = offset > 0 ? .outOfRange(.tip) : nil
        #expect(columns.failure == expected)
    }

    @Test(arguments: around) func bytesOfAValueAndOfAPayload(offset: Int) {
        var columns = RawColumns()
        columns.shapes = [RawColumns.shape([RawColumns.operation()])]
        columns.values = RawColumns.plain([text(Limits.valueBytes + offset)])
        expect(columns, exceeds: .valueBytes, at: offset)
        columns = RawColumns()
        columns.names = []
        columns.shapes = [[1, 0, 1]]
        columns.payloads = RawColumns.plain([text(Limits.valueBytes + offset)])
        expect(columns, exceeds: .valueBytes, at: offset)
    }

    @Test(arguments: around) func bytesOfAChange(offset: Int) throws {
        func columns(_ last: Int) -> RawColumns {
            var columns = RawColumns()
            let operation = RawColumns.operation(kind: 99)
            columns.shapes = [RawColumns.shape([operation, operation, operation])]
            columns.values = RawColumns.plain([text(60_000), text(60_000), text(last)])
            return columns
        }
        let size = try Batch.decode(columns(8_000).batch).changes[0].byteCount
        expect(
            columns(8_000 + Limits.changeBytes - size + offset), exceeds: .changeBytes, at: offset)
    }

    private func fourTexts(_ last: Int) -> RawColumns {
        var columns = RawColumns()
        columns.changes = 5
        columns.shapes = [RawColumns.shape([RawColumns.operation()])]
        columns.values = RawColumns.plain(
            (0..<5).map { text($0 == 4 ? last : 60_000) })
        return columns
    }

    @Test(arguments: around) func bytesOfTheColumns(offset: Int) {
        // The salts, one seed, are apart: a count, a count, a mode and 16 bytes.
        let missing = Limits.columnBytes + 19 - fourTexts(20_000).columns.count
        expect(fourTexts(20_000 + missing + offset), exceeds: .columnBytes, at: offset)
    }

    /// Salts may fill what the other columns leave of a batch.
    private func withSalts(_ last: Int) -> RawColumns {
        var columns = fourTexts(last)
        columns.salts = RawColumns.bytes { writer in
            writer.varint(1)
            writer.varint(5)
            writer.u8(1)
            writer.varint(14_000)
            for slot in 0..<14_000 {
                writer.varint(0)
                writer.varint(0)
                writer.varint(slot)
                writer.raw([UInt8](repeating: 4, count: 16))
            }
        }
        return columns
    }

    @Test(arguments: around) func bytesOfABatch(offset: Int) {
        let missing = Limits.batchBytes - withSalts(10_000).batch.count
        expect(withSalts(10_000 + missing + offset), exceeds: .batchBytes, at: offset)
    }

    /// Inflated, a batch may be a little larger than it may be encoded; deflate must help then.
    @Test(arguments: around) func bytesAfterInflating(offset: Int) {
        let missing = Limits.inflatedBytes - withSalts(10_000).columns.count
        var columns = withSalts(10_000 + missing + offset)
        columns.deflates = true
        expect(columns, exceeds: .inflatedBytes, at: offset)
    }

    @Test(arguments: around) func changesOfABatch(offset: Int) {
        var columns = RawColumns()
        columns.changes = Limits.changesPerBatch + offset
        expect(columns, exceeds: .changes, at: offset)
    }

    /// A word column says how many words each text has; the words are one number that stands for
    /// all, so without a limit three bytes would be a million words.
    @Test(arguments: around) func wordsOfAColumn(offset: Int) {
        var columns = RawColumns()
        columns.changes = 17
        columns.shapes = [RawColumns.shape([RawColumns.operation()])]
        columns.values = RawColumns.bytes { writer in
            writer.u8(3)
            writer.varint(1)
            writer.raw([0, 1, 0x61])
            writer.u8(1)
            for index in 0..<17 { writer.varint(index == 16 ? 16 + offset : 32_767) }
            writer.raw(RawColumns.same(0))
        }
        let total = 16 * 32_767 + 16 + offset
        #expect(total == Limits.wordsPerColumn + offset)
        expect(columns, exceeds: .words, at: offset)
    }

    /// The same dictionary string many times takes no bytes, and yet all must be hashed.
    @Test(arguments: around) func bytesThatColumnsStandFor(offset: Int) throws {
        func columns(_ last: Int) -> RawColumns {
            var columns = RawColumns()
            columns.changes = 65
            columns.shapes = [RawColumns.shape([RawColumns.operation()])]
            columns.values = RawColumns.bytes { writer in
                writer.u8(1)
                writer.varint(2)
                writer.raw(Array(RawColumns.plain([text(65_000), text(last)]).dropFirst()))
                writer.raw([2, 0, 64, 1, 1])
            }
            return columns
        }
        let size = try Batch.decode(columns(20_000).batch).changes.reduce(0) { $0 + $1.byteCount }
        let exact = columns(20_000 + Limits.expandedBytesPerBatch - size + offset)
        expect(exact, exceeds: .expandedBytes, at: offset)
    }

    @Test(arguments: around) func textOfAClose(offset: Int) {
        let payload = RawColumns.bytes { writer in
            writer.varint(0)
            writer.bytes(text(Limits.closeTextBytes + offset))
        }
        let read = try? Message(tag: 0x0b, payload: payload)
        #expect((read != nil) == (offset <= 0))
    }

    @Test(arguments: around) func millisecondsOfATime(offset: Int) {
        var columns = RawColumns().batch
        let time = UInt64(1) << 48 - 1
        let number = RawColumns.bytes {
            $0.u8(0)
            $0.varint((time &+ UInt64(bitPattern: Int64(offset))) << 1)
        }
        let position = columns.lastRange(of: [0, 2, 0, 0])
        columns.replaceSubrange(position..<position + 2, with: number)
        let failure: WireError.Code? = {
            do throws(WireError) {
                _ = try Batch.decode(columns)
                return nil
            } catch { return error.code }
        }()
        #expect(failure == (offset > 0 ? .outOfRange(.time) : nil))
    }

    @Test func varintsAreTenBytesAndShortest() throws {
        func read(_ bytes: [UInt8]) -> WireError.Code? {
            var reader = ByteReader(bytes)
            do throws(WireError) {
                _ = try reader.varint()
                return nil
            } catch { return error.code }
        }
        let nine = [UInt8](repeating: 0xff, count: 9)
        #expect(read([UInt8](repeating: 0xff, count: 8) + [0x7f]) == nil)
        #expect(read(nine + [1]) == nil)
        #expect(read(nine + [2]) == .varintMalformed)
        #expect(read(nine + [0x81, 0]) == .varintMalformed)
        #expect(read([0x80, 0]) == .varintMalformed)
    }
}

extension [UInt8] {
    /// Where a pattern stands last.
    fileprivate func lastRange(of pattern: [UInt8]) -> Int {
        indices.last { Array(self[$0...].prefix(pattern.count)) == pattern }!
    }
}
