import ParleyModel
import Testing

@Suite struct GroupTests {
    /// A batch of 160 bytes may come to 10,000 groups before it turns out to be forged.
    @Test func aGroupTakesLittleMemory() {
        #expect(MemoryLayout<Group>.stride <= 48)
    }
}
