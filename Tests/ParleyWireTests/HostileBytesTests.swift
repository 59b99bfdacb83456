import ParleyCRDT
import ParleyModel
import ParleyWire
import Testing

/// Any byte string either decodes or throws; nothing traps and nothing grows without bound.
@Suite struct HostileBytesTests {
    @Test(arguments: UInt64(1)...40)
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
    @Test(arguments: UInt64(1)...40)
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
}
