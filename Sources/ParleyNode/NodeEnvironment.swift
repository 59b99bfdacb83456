package import ParleyStore
import ParleySync

/// What a node takes from the world, injected so that tests can stage it.
package struct NodeEnvironment: Sendable {
    package var store: StoreEnvironment
    /// The room left on the disk that holds a folder.
    package var freeSpace: @Sendable (String) -> FreeSpace
    package var clock: NodeClock
    /// How long an inviter has for its answer, and again for the beginning of the casebook.
    package var joinPatience: Duration

    package init(
        store: StoreEnvironment = .system,
        freeSpace: @escaping @Sendable (String) -> FreeSpace = { FreeSpace(at: $0) },
        clock: NodeClock = .system, joinPatience: Duration = .seconds(30)
    ) {
        self.store = store
        self.freeSpace = freeSpace
        self.clock = clock
        self.joinPatience = joinPatience
    }

    /// This machine.
    package static let system = NodeEnvironment()
}

/// The monotonic clock, for what a node does by itself after a while.
package struct NodeClock: Sendable {
    /// Time since some moment.
    package let now: @Sendable () -> Duration
    /// Returns when so much time has passed; throws when cancelled.
    package let sleep: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    package static let system: NodeClock = {
        let start = ContinuousClock.now
        return NodeClock(
            now: { ContinuousClock.now - start }, sleep: { try await Task.sleep(for: $0) })
    }()
}

extension Moment {
    /// As sessions count time.
    init(_ time: Duration) {
        self.init(milliseconds: UInt64(time / .milliseconds(1)))
    }
}
