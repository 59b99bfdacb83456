import ParleyCRDT
import ParleyModel
import ParleyWire
import Testing

@Suite struct BatchTests {
    /// Decode after encode is the identity, deflated or not, for batches of every form.
    @Test(arguments: UInt64(1)...60)
    func decodeUndoesEncode(seed: UInt64) throws {
        var random = RandomBatch(seed: seed)
        let batch = random.batch(changes: seed.isMultiple(of: 10) ? 600 : Int(seed % 7) + 1)
        #expect(try Batch.decode(batch.encoded(compress: false)) == batch)
        #expect(try Batch.decode(batch.encoded(compress: true)) == batch)
    }
}
