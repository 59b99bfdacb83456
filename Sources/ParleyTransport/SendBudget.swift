import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyWire

/// What all sessions of a node together may have sent and not yet seen acknowledged.
///
/// One peer may have 4 MiB under way; with hundreds of peers that would be gigabytes. Sessions
/// take room before they read from the store and give it back when batches are acknowledged; who
/// finds none waits in turn, while everybody goes on receiving.
package final class SendBudget: Sendable {
    /// Somebody who waits for room.
    package struct Claim: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct State {
        var free: Int
        /// In the order in which they asked.
        var waiting: [(claim: Claim, bytes: Int, granted: @Sendable () -> Void)] = []
        var lastClaim: UInt64 = 0

        /// Takes out those whose turn it is and for whom there is room.
        mutating func serve() -> [@Sendable () -> Void] {
            var served: [@Sendable () -> Void] = []
            while let next = waiting.first, free >= next.bytes {
                free -= next.bytes
                served.append(next.granted)
                waiting.removeFirst()
            }
            return served
        }
    }

    private let state: NIOLockedValueBox<State>

    package init(bytes: Int = Limits.unacknowledgedBytes) {
        state = NIOLockedValueBox(State(free: bytes))
    }

    /// Takes room, now or when there is some. Nobody who came later is served before.
    ///
    /// - Parameter granted: called once, on any thread, possibly before this returns.
    @discardableResult
    package func take(_ bytes: Int, granted: @escaping @Sendable () -> Void) -> Claim {
        let (claim, served) = state.withLockedValue { state in
            state.lastClaim += 1
            let claim = Claim(number: state.lastClaim)
            state.waiting.append((claim, bytes, granted))
            return (claim, state.serve())
        }
        for granted in served { granted() }
        return claim
    }

    /// Waits no longer. Who was granted room meanwhile has it.
    package func withdraw(_ claim: Claim) {
        let served = state.withLockedValue { state in
            state.waiting.removeAll { $0.claim == claim }
            return state.serve()
        }
        for granted in served { granted() }
    }

    /// Gives room back.
    package func giveBack(_ bytes: Int) {
        let served = state.withLockedValue { state in
            state.free += bytes
            return state.serve()
        }
        for granted in served { granted() }
    }

    /// Room nobody has taken.
    package var freeBytes: Int { state.withLockedValue { $0.free } }
    package var waitingCount: Int { state.withLockedValue { $0.waiting.count } }
}

/// One session's share of the budget.
///
/// Confined to the session's event loop.
struct SendShare {
    private let budget: SendBudget
    /// What was granted and not given back.
    private var taken = 0
    /// What is waited for, one claim for each casebook at most.
    private var asked: [Digest: (claim: SendBudget.Claim, bytes: Int)] = [:]

    init(of budget: SendBudget) {
        self.budget = budget
    }

    /// Asks for room to read from one casebook.
    ///
    /// - Parameter granted: called on any thread; tells `granted`, or gives the room back.
    mutating func ask(
        _ bytes: Int, for casebook: Digest, granted: @escaping @Sendable () -> Void
    ) {
        asked[casebook] = (budget.take(bytes, granted: granted), bytes)
    }

    /// The room that was asked for has been granted.
    mutating func granted(for casebook: Digest) {
        taken += asked.removeValue(forKey: casebook)?.bytes ?? 0
    }

    /// Gives back what is more than the session has under way.
    ///
    /// - Parameter underWay: with what was asked for and isn't granted yet.
    mutating func settle(underWay: Int) {
        let used = underWay - asked.values.reduce(0) { $0 + $1.bytes }
        guard taken > used else { return }
        budget.giveBack(taken - used)
        taken = used
    }

    /// The session is over: gives everything back and waits no longer.
    mutating func end() {
        for claim in asked.values { budget.withdraw(claim.claim) }
        asked = [:]
        settle(underWay: 0)
    }
}
