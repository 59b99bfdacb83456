import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyNode
import ParleyStore
import ParleyWire
import Testing

/// A casebook with one member besides its founder, as sessions see it, without a network.
struct ReplicaStand {
    let shelf: Shelf
    let store: CasebookStore
    let replica: StoreReplica
    let member: Identity
    let clock = ManualClock()
    private let commitCount = NIOLockedValueBox(0)
    /// Kept, because its folder goes with it.
    private let homes: Homes

    init() async throws {
        homes = try Homes()
        let node = try await RunningNode.start(homes["amal"])
        _ = try await node.ask(.createCasebook(name: "exchanges"))
        await node.stop()
        shelf = Shelf(
            home: homes["amal"], identity: try homes["amal"].identity(),
            environment: NodeEnvironment(clock: clock.nodeClock), stopped: { _ in },
            moved: { [commitCount] _, _, _ in commitCount.withLockedValue { $0 += 1 } })
        store = try #require(await shelf.stores().first)
        let member = Identity.generate()
        _ = try await store.write {
            try $0.admit(Admission(node: member.node, role: .editor, name: "basil"))
        }
        self.member = member
        replica = StoreReplica(
            shelf: shelf, taken: TakenAddresses(), ownAddress: { nil }, learned: { _ in },
            troubled: { _ in }, clock: clock.nodeClock)
    }

    /// So far.
    var commits: Int { commitCount.withLockedValue { $0 } }
}
