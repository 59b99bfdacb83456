import NIOConcurrencyHelpers
package import ParleyCRDT
import ParleyLog
package import ParleyModel

/// What one durable commit moved.
package struct CommitNotice: Sendable {
    /// Entries of the applied clock that moved: what may be offered to peers now.
    package let moved: [Clock.Entry]
    /// Entries of the held clock that moved: what may be acknowledged now.
    package let held: [Clock.Entry]
    /// Whether this node's own log grew.
    package let isLocal: Bool
    /// Records created or changed; one may be named several times.
    package let records: [RecordID]
    /// Logs of which this commit brought a second branch.
    package let forks: [Origin]
    /// Origins whose newest change is far ahead of the clock here, of those that moved, with the
    /// milliseconds.
    package let leads: [(origin: Origin, milliseconds: UInt64)]
}

/// What everybody may know of a store: the state as of the last durable commit.
final class Published: Sendable {
    private struct State {
        var draft: Draft
        var held: Clock
        var applied: Clock
        /// Kept, because it is asked for on every connection's event loop.
        var members: [Member]
        var suspended: Set<NodeID>
        var isServing = true
        var failure = StoreError.stopped
        var hasFailed = false
        var observers: [@Sendable (CommitNotice) -> Void] = []
        var stopObservers: [@Sendable (StoreError) -> Void] = []
    }

    private let state: NIOLockedValueBox<State>

    init(_ draft: Draft) {
        state = NIOLockedValueBox(
            State(
                draft: draft, held: draft.lanes.heldClock, applied: draft.lanes.appliedClock,
                members: draft.members, suspended: draft.heldCuts.suspended))
    }

    var draft: Draft { state.withLockedValue { $0.draft } }
    var held: Clock { state.withLockedValue { $0.held } }
    var applied: Clock { state.withLockedValue { $0.applied } }
    var members: [Member] { state.withLockedValue { $0.members } }
    var suspended: Set<NodeID> { state.withLockedValue { $0.suspended } }

    func checkIsServing() throws {
        try state.withLockedValue { state in
            guard state.isServing else { throw state.failure }
        }
    }

    /// Whether it was stopped, before or after it was closed.
    var hasFailed: Bool { state.withLockedValue { $0.hasFailed } }

    /// Refuses everything from now on.
    func stop(_ failure: StoreError = .stopped) {
        let observers = state.withLockedValue { state -> [@Sendable (StoreError) -> Void] in
            // Also while it is being closed.
            if failure != .closed { state.hasFailed = true }
            guard state.isServing else { return [] }
            state.isServing = false
            state.failure = failure
            return failure == .closed ? [] : state.stopObservers
        }
        for observer in observers { observer(failure) }
    }

    func observeStop(_ body: @escaping @Sendable (StoreError) -> Void) {
        state.withLockedValue { $0.stopObservers.append(body) }
    }

    func observe(_ body: @escaping @Sendable (CommitNotice) -> Void) {
        state.withLockedValue { $0.observers.append(body) }
    }

    /// - Returns: what moved, for `announce`.
    func publish(
        _ draft: Draft, records: [RecordID], forks: [Origin], membersChanged: Bool
    ) -> CommitNotice {
        let held = draft.lanes.heldClock
        let applied = draft.lanes.appliedClock
        return state.withLockedValue { state in
            let moved = applied.entries(movedSince: state.applied)
            let notice = CommitNotice(
                moved: moved, held: held.entries(movedSince: state.held),
                isLocal: moved.contains { $0.origin == draft.casebook.origin }, records: records,
                forks: forks,
                leads: moved.compactMap { entry in
                    draft.lanes[entry.origin].flatMap {
                        $0.lead > 0 ? (entry.origin, $0.lead) : nil
                    }
                })
            state.draft = draft
            state.held = held
            state.applied = applied
            if membersChanged { state.members = draft.members }
            state.suspended = draft.heldCuts.suspended
            return notice
        }
    }

    func announce(_ notice: CommitNotice) {
        let observers = state.withLockedValue { $0.observers }
        for observer in observers { observer(notice) }
    }
}
