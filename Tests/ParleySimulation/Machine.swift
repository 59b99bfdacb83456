import Foundation
import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleySync
import ParleyTestSupport
import ParleyTransport

/// One node with the shipping store, membership and replica, on a disk and a clock of its own.
final class Machine {
    enum Condition: Equatable {
        case running
        /// Off; it comes back by itself.
        case down
        /// Its disk doesn't hold what was written: only a person can help.
        case damaged
    }

    let index: Int
    let identity: Identity
    let name: String
    let disk: SimulatedDisk
    let clock: MachineClock
    let path: String
    private let home: Home
    private(set) var condition = Condition.down
    private(set) var shelf: Shelf?
    private(set) var replica: (any Replica)?
    private(set) var store: CasebookStore?
    /// Of the process, new at each start.
    private(set) var run: UInt64 = 0
    private let events = Events()
    /// States of the files to go back to, by where they are kept.
    var snapshots: [Snapshot] = []
    /// Whether what it sends is made up.
    let isHostile: Bool
    /// Whether a copy of another machine's disk.
    let isClone: Bool

    struct Snapshot {
        let folder: String
        /// What had been acknowledged by then.
        let acknowledged: Set<Dot>
    }

    init(
        index: Int, identity: Identity, name: String, folder: String, seed: UInt64,
        isHostile: Bool = false, isClone: Bool = false
    ) {
        self.index = index
        self.identity = identity
        self.name = name
        self.isHostile = isHostile
        self.isClone = isClone
        let home = folder + "/\(index)"
        self.home = Home(path: home)
        path = home + "/casebooks/0000000000000000.sqlite"
        try? FileManager.default.createDirectory(
            atPath: home + "/casebooks", withIntermediateDirectories: true)
        disk = SimulatedDisk(folder: home)
        clock = MachineClock(seed: seed)
    }

    var node: NodeID { identity.node }

    // MARK: Life

    /// Opens the store; what can't be opened is damaged.
    func start(seed: UInt64) async {
        precondition(condition != .running)
        let (events, clock) = (events, clock)
        let nodeClock = NodeClock(now: { .milliseconds(clock.now) }, sleep: { _ in })
        let shelf = Shelf(
            home: home, identity: identity,
            environment: NodeEnvironment(
                store: clock.environment, freeSpace: { _ in FreeSpace(bytes: .max) },
                clock: nodeClock),
            stopped: { _ in events.stop() }, moved: { _, _, notice in events.add(notice) })
        let stores = await shelf.stores()
        guard let store = stores.first else {
            await shelf.close()
            condition = disk.isDead ? .down : .damaged
            return
        }
        (self.shelf, self.store) = (shelf, store)
        replica = StoreReplica(
            shelf: shelf, taken: TakenAddresses(), ownAddress: { nil }, learned: { _ in },
            troubled: { _ in }, clock: nodeClock)
        _ = events.take()
        run = seed
        condition = .running
    }

    /// Ends the process in order.
    func stop() async {
        await shelf?.close()
        (shelf, store, replica) = (nil, nil, nil)
        condition = .down
    }

    /// Ends the process, and what it hadn't synced with it.
    func losePower(_ random: inout SeededGenerator) async {
        disk.cutPower()
        await stop()
        disk.comeBack(&random)
    }

    func giveUp() async {
        await stop()
        condition = .damaged
    }

    // MARK: What the store has told since this was last asked

    /// What was committed, and whether the store goes on.
    func takeEvents() -> (notices: [CommitNotice], hasStopped: Bool) { events.take() }

    private final class Events: Sendable {
        private let state = NIOLockedValueBox<(notices: [CommitNotice], hasStopped: Bool)>(
            ([], false))

        func add(_ notice: CommitNotice) { state.withLockedValue { $0.notices.append(notice) } }
        func stop() { state.withLockedValue { $0.hasStopped = true } }

        func take() -> (notices: [CommitNotice], hasStopped: Bool) {
            state.withLockedValue { state in
                defer { state = ([], false) }
                return state
            }
        }
    }
}
