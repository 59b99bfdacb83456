import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyNode
import ParleyStore
import ParleyWire
import Testing

/// Addresses that members pass on, however many.
@Suite(.timeLimit(.minutes(2)))
struct HeardAddressesTests {
    private let homes: Homes
    private let clock = ManualClock()

    init() throws {
        homes = try Homes()
    }

    /// The first is noted at once, and what follows within a second together, the newest of it.
    @Test func addressesWithoutEndAreNotedOnceASecond() async throws {
        let node = try await RunningNode.start(homes["amal"])
        _ = try await node.ask(.createCasebook(name: "exchanges"))
        await node.stop()
        let commits = NIOLockedValueBox(0)
        let shelf = Shelf(
            home: homes["amal"], identity: try homes["amal"].identity(),
            environment: NodeEnvironment(clock: clock.nodeClock), stopped: { _ in },
            moved: { _, _, _ in commits.withLockedValue { $0 += 1 } })
        let store = try #require(await shelf.stores().first)
        let member = NodeID(bytes: [UInt8](repeating: 7, count: 32))!
        _ = try await store.write {
            try $0.admit(Admission(node: member, role: .editor, name: "basil"))
        }
        let replica = StoreReplica(
            shelf: shelf, taken: TakenAddresses(), ownAddress: { nil }, learned: { _ in },
            troubled: { _ in }, clock: clock.nodeClock)
        func hear(_ number: Int) async {
            let address = PeerAddress(
                node: member, seenMilliseconds: UInt64(number), address: "127.0.0.1:\(number)")
            await replica.rememberAddresses([address], in: store.casebookID)
        }
        func known() async throws -> [String] {
            try await store.read { try $0.addresses(of: member) }
        }
        let before = commits.withLockedValue { $0 }
        await hear(1)
        #expect(try await known() == ["127.0.0.1:1"])
        var sleeps = clock.sleeps.makeAsyncIterator()
        for number in 2...100 { await hear(number) }
        #expect(await sleeps.next() == .seconds(1))
        #expect(try await known() == ["127.0.0.1:1"])
        clock.advance(by: .seconds(1))
        while try await known().count < 8 { await Task.yield() }
        #expect(try await known().first == "127.0.0.1:100")
        #expect(commits.withLockedValue { $0 } == before + 2)
        #expect(clock.slept == [.seconds(1)])
        await shelf.close()
    }
}
