import CZlib
import Glibc
import ParleyCRDT
import ParleyModel
import ParleyWire
import Testing

/// Any byte string either decodes or throws; nothing traps and nothing grows without bound.
@Suite struct HostileBytesTests {
    @Test(arguments: UInt64(1)...20)
    func randomBytesNeverTrap(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let bytes = generator.bytes(generator.below(400))
            for tag in UInt8.min...0x30 { _ = try? Message(tag: tag, payload: bytes) }
            _ = try? Batch.decode(bytes)
            _ = try? Founding(bytes: bytes)
            _ = try? Admission(bytes: bytes)
            _ = try? Cut(bytes: bytes)
            _ = try? Erasure(bytes: bytes)
            _ = try? Receipt(bytes: bytes)
        }
    }

    /// Random bytes seldom get past a header, so these begin with a good one.
    @Test(arguments: UInt64(1)...20)
    func randomColumnsNeverTrap(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var random = RandomBatch(seed: seed)
        let good = try random.batch(changes: 3).encoded(compress: false)
        let start = try Batch.header(of: good).bodyOffset
        for _ in 0..<200 {
            var bytes = good
            for _ in 0...generator.below(4) {
                let index = start + generator.below(bytes.count - start)
                bytes[index] =
                    generator.chance(50) ? UInt8(generator.below(6)) : generator.bytes(1)[0]
            }
            guard let batch = try? Batch.decode(bytes) else { continue }
            // Whatever was accepted is also something we could have written.
            #expect(try Batch.decode(batch.encoded(compress: false)) == batch)
        }
    }

    @Test(arguments: UInt64(1)...8)
    func everyBeginningOfABatchFails(seed: UInt64) throws {
        var random = RandomBatch(seed: seed)
        let bytes = try random.batch(changes: 4).encoded(compress: seed.isMultiple(of: 2))
        for count in bytes.indices {
            #expect(throws: WireError.self) { try Batch.decode(Array(bytes[..<count])) }
        }
    }

    /// Spaces alone make as many words as bytes; such texts still come back, by another encoding.
    @Test func textsOfSpacesComeBack() throws {
        let texts = [3_000, 2_000].map { Array(repeating: UInt8(ascii: " "), count: $0) }
        let batch = VectorValues.batch(
            (0..<300).map { index in
                let write = Operation(
                    .write, field: VectorValues.name("note"), values: [.text(texts[index % 2])])
                return (0, [], [.creation(type: VectorValues.name("note"), [write])])
            })
        #expect(try Batch.decode(batch.encoded(compress: true)) == batch)
    }

    /// A word of 20,000 bytes, named once by each of 256 texts, would join to 5 MB.
    @Test func joinedWordsAreBounded() throws {
        var writer = ByteWriter()
        writer.origin(VectorValues.originA)
        writer.raw([1, 0x80, 2, 0])
        writer.raw(VectorValues.signature)
        writer.raw([1, 4] + Array("note".utf8) + [0])
        writer.raw([1, 0x80, 2, 0] + VectorValues.repeated(9, 16))
        writer.raw([1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0])
        writer.raw([0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
        let offset = writer.count + 1
        writer.raw([3, 1, 0])
        writer.varint(20_000)
        writer.raw(VectorValues.repeated(0x78, 20_000))
        writer.raw([0, 1, 0, 0])
        #expect(throws: WireError(.limitExceeded(.expandedBytes), offset: offset)) {
            try Batch.decode(writer.bytes)
        }
    }

    /// A few bytes can say "ten thousand of the same text", as numbers and as words; then they are one
    /// text, or else such a batch takes a quarter of a second to read.
    @Test(arguments: [
        [2] + RawColumns.same(123_456),
        [3, 2] + RawColumns.same(1) + [0x78, 0x79] + RawColumns.same(8) + RawColumns.same(1),
    ])
    func repeatedTextsAreOneText(column: [UInt8]) throws {
        var columns = RawColumns()
        columns.changes = 5
        let write = RawColumns.operation(kind: 99, values: [UInt8](repeating: 1, count: 2_000))
        columns.shapes = [RawColumns.shape([write])]
        columns.values = column
        let texts = try Batch.decode(columns.batch).changes.flatMap { change in
            change.groups.flatMap { group -> [Value] in
                guard case .operations(_, let operations) = group.content else { return [] }
                return operations.flatMap(\.values)
            }
        }
        #expect(texts.count == 10_000)
        let places = Set(texts.map { text in text.payload.withUnsafeBytes { $0.baseAddress } })
        #expect(places.count == 1)
    }

    /// A body that inflates to far more than announced stops at what was announced.
    @Test func inflatingStopsAtTheAnnouncedLength() throws {
        let text = Value.text(Array(repeating: 0x61, count: 60_000))
        let batch = VectorValues.batch([
            (
                0, [],
                [
                    .creation(
                        type: VectorValues.name("note"),
                        [Operation(.write, field: VectorValues.name("note"), values: [text])])
                ]
            )
        ])
        var bytes = try batch.encoded(compress: true)
        #expect(bytes.count < 1_000)
        let offset = try Batch.header(of: bytes).bodyOffset
        // The announced length is the varint before the body, three bytes here.
        bytes.replaceSubrange(offset - 3..<offset, with: [0x80, 0x80, 0x02])
        #expect(throws: WireError(.deflateMalformed, offset: offset)) { try Batch.decode(bytes) }
    }

    /// Nobody can tell whether what was erased was twice the same, so commitments aren't compared.
    @Test(arguments: [OperationKind.write, .add])
    func equalCommitmentsAreNoRepeat(kind: OperationKind) throws {
        let erased = Value.erased(Digest(bytes: VectorValues.repeated(7, 32))!)
        let batch = VectorValues.batch([
            (
                0, [],
                [
                    .creation(
                        type: VectorValues.name("note"),
                        [
                            Operation(
                                kind, field: VectorValues.name("title"), values: [erased, erased],
                                isSensitive: true)
                        ])
                ]
            )
        ])
        #expect(try Batch.decode(batch.encoded(compress: false)) == batch)
    }

    /// 400 MiB of zeros in a batch that announces 1,000 bytes: the memory that was taken at most
    /// shows whether inflating stopped there or whether only its result was measured.
    @Test func inflatingTakesNoMoreThanWasAnnounced() throws {
        var writer = ByteWriter()
        writer.origin(VectorValues.originA)
        writer.raw([1, 1, 1])
        writer.raw(VectorValues.signature)
        writer.varint(1_000)
        let mebibyte = Self.deflatedZeros(count: 1 << 20)
        for _ in 0..<400 { writer.raw(mebibyte) }
        #expect(writer.count <= Limits.batchBytes)
        let before = Self.mostResidentKibibytes
        #expect(throws: WireError.self) { try Batch.decode(writer.bytes) }
        #expect(Self.mostResidentKibibytes - before < 200 * 1024)
    }

    private static var mostResidentKibibytes: Int {
        var usage = rusage()
        getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss
    }

    /// A part of a raw stream that means the same wherever it stands.
    private static func deflatedZeros(count: Int) -> [UInt8] {
        var stream = z_stream()
        deflateInit2_(
            &stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        var zeros = [UInt8](repeating: 0, count: count)
        return [UInt8](unsafeUninitializedCapacity: count) { output, filled in
            zeros.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(count)
                deflate(&stream, Z_FULL_FLUSH)
                filled = count - Int(stream.avail_out)
            }
        }
    }
}
