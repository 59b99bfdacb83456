import ParleyCRDT
import ParleyLog
import ParleyNode
import ParleyStore
import ParleyWire
import Testing

/// Addresses that members pass on, however many.
@Suite(.timeLimit(.minutes(2)))
struct HeardAddressesTests {
    /// The first is noted at once, and what follows within a second together, the newest of it.
    @Test func addressesWithoutEndAreNotedOnceASecond() async throws {
        let stand = try await ReplicaStand()
        let (store, clock, member) = (stand.store, stand.clock, stand.member.node)
        func hear(_ number: Int) async {
            let address = PeerAddress(
                node: member, seenMilliseconds: UInt64(number), address: "127.0.0.1:\(number)")
            await stand.replica.rememberAddresses([address], in: store.casebookID)
        }
        func known() async throws -> [String] {
            try await store.read { try $0.addresses(of: member) }
        }
        let before = stand.commits
        await hear(1)
        #expect(try await known() == ["127.0.0.1:1"])
        var sleeps = clock.sleeps.makeAsyncIterator()
        for number in 2...100 { await hear(number) }
        #expect(await sleeps.next() == .seconds(1))
        #expect(try await known() == ["127.0.0.1:1"])
        clock.advance(by: .seconds(1))
        while try await known().count < 8 { await Task.yield() }
        #expect(try await known().first == "127.0.0.1:100")
        #expect(stand.commits == before + 2)
        #expect(clock.slept == [.seconds(1)])
        await stand.shelf.close()
    }
}
