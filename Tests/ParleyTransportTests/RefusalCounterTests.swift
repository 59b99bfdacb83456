import ParleyTransport
import Testing

struct RefusalCounterTests {
    @Test
    func countsPerReasonAndPerKnownNode() throws {
        let node = try TestNode().id
        let counters = RefusalCounters()
        counters.add(.corrupt, node: node)
        counters.add(.corrupt, node: nil)
        counters.add(.silence, node: node)
        #expect(counters.total == ["corrupt": 2, "silence": 1])
        #expect(counters.count(of: node) == ["corrupt": 1, "silence": 1])
    }

    @Test
    func theOrdinaryLifeOfAConnectionIsNotCounted() throws {
        let counters = RefusalCounters()
        for reason in CloseReason.allCases where !reason.isRefusal {
            counters.add(reason, node: nil)
        }
        #expect(counters.total.isEmpty)
    }
}
