import ParleyWire
import Synchronization

/// What all sessions of a node together may have sent and not yet seen acknowledged.
///
/// One peer may have 4 MiB under way; with hundreds of peers that would be gigabytes. Sessions
/// take room before they read from the store and give it back when batches are acknowledged; who
/// finds none waits in turn, while everybody goes on receiving.
package final class SendBudget: Sendable {
    private struct State {
        var free: Int
        /// In the order in which they asked.
        var waiting: [(bytes: Int, granted: @Sendable () -> Void)] = []
    }

    private let state: Mutex<State>

    package init(bytes: Int = Limits.unacknowledgedBytes) {
        state = Mutex(State(free: bytes))
    }

    /// Takes room, now or when there is some. Nobody who came later is served before.
    ///
    /// - Parameter granted: called once, on any thread, possibly before this returns.
    package func take(_ bytes: Int, granted: @escaping @Sendable () -> Void) {
        let isFree = state.withLock { state in
            guard state.waiting.isEmpty, state.free >= bytes else {
                state.waiting.append((bytes, granted))
                return false
            }
            state.free -= bytes
            return true
        }
        if isFree { granted() }
    }

    /// Gives room back.
    package func giveBack(_ bytes: Int) {
        let served = state.withLock { state -> [@Sendable () -> Void] in
            state.free += bytes
            var served: [@Sendable () -> Void] = []
            while let next = state.waiting.first, state.free >= next.bytes {
                state.free -= next.bytes
                served.append(next.granted)
                state.waiting.removeFirst()
            }
            return served
        }
        for granted in served { granted() }
    }

    /// Room nobody has taken.
    package var freeBytes: Int { state.withLock { $0.free } }
}

/// One session's share of the budget.
///
/// Confined to the session's event loop.
struct SendShare {
    private let budget: SendBudget
    private var taken = 0

    init(of budget: SendBudget) {
        self.budget = budget
    }

    /// The room that was asked for has been granted.
    mutating func granted(_ bytes: Int) {
        taken += bytes
    }

    /// Gives back what is more than the session has under way.
    mutating func settle(underWay: Int) {
        guard taken > underWay else { return }
        budget.giveBack(taken - underWay)
        taken = underWay
    }
}
