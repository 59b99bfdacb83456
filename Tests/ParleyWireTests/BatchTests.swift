import ParleyCRDT
import ParleyModel
import ParleyWire
import Testing

@Suite struct BatchTests {
    /// Decode after encode is the identity, deflated or not, for batches of every form.
    @Test(arguments: UInt64(1)...60)
    func partsAreWhatTheWholeHas(seed: UInt64) throws {
        var random = RandomBatch(seed: seed)
        let batch = random.batch(changes: seed.isMultiple(of: 10) ? 600 : Int(seed % 7) + 1)
        let bytes = try batch.encoded(compress: seed.isMultiple(of: 2))
        for first in stride(from: 0, to: batch.changes.count, by: 1 + batch.changes.count / 9) {
            for last in [first, (first + batch.changes.count) / 2, batch.changes.count - 1] {
                let range = batch.changes[first].sequence...batch.changes[last].sequence
                let part = try Batch.part(range, of: bytes)
                #expect(part.changes == Array(batch.changes[first...last]))
                #expect(part.contextDeltas == batch.changes.map(\.contextDelta))
            }
        }
        #expect(try Batch.part(batch.last + 1...batch.last + 2, of: bytes).changes.isEmpty)
    }

    @Test(arguments: UInt64(1)...60)
    func decodeUndoesEncode(seed: UInt64) throws {
        var random = RandomBatch(seed: seed)
        let batch = random.batch(changes: seed.isMultiple(of: 10) ? 600 : Int(seed % 7) + 1)
        #expect(try Batch.decode(batch.encoded(compress: false)) == batch)
        #expect(try Batch.decode(batch.encoded(compress: true)) == batch)
    }
}
