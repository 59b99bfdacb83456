import NIOConcurrencyHelpers

/// One wait for a session to have exchanged everything, as who waits holds it.
package final class SyncRequest: Sendable {
    private let state = NIOLockedValueBox(false)

    /// Whether nobody waits any more.
    var isGivenUp: Bool { state.withLockedValue { $0 } }

    func giveUp() {
        state.withLockedValue { $0 = true }
    }
}

/// People who wait for a session to have exchanged everything.
///
/// Each needs the answer to a ping that was sent after they came: an earlier one promises nothing
/// about what the peer wrote since. No more than one is unanswered at a time, because the protocol
/// bounds them and who waits may be many; whoever comes meanwhile shares the next.
struct SyncWaiters {
    private enum Standing: Equatable {
        /// Came while another ping was unanswered.
        case waitsForTurn
        /// The ping that is unanswered went out for this one.
        case waitsForPong
        case hasPassed
    }

    private typealias Waiter = (
        request: SyncRequest, standing: Standing, answer: (SyncReport) -> Void
    )

    private var waiting: [Waiter] = []
    private var lastNumber: UInt64 = 1
    /// Of the ping that is unanswered.
    private var underWay: UInt64?

    mutating func add(_ request: SyncRequest, _ answer: @escaping (SyncReport) -> Void) {
        waiting.append((request, .waitsForTurn, answer))
    }

    /// The number of the ping that must go out now, `nil` where none must.
    mutating func nextPing() -> UInt64? {
        guard underWay == nil, waiting.contains(where: { $0.standing == .waitsForTurn }) else {
            return nil
        }
        for index in waiting.indices where waiting[index].standing == .waitsForTurn {
            waiting[index].standing = .waitsForPong
        }
        lastNumber += 1
        underWay = lastNumber
        return lastNumber
    }

    /// A ping was answered.
    mutating func passed(_ number: UInt64) {
        guard number == underWay else { return }
        underWay = nil
        for index in waiting.indices where waiting[index].standing == .waitsForPong {
            waiting[index].standing = .hasPassed
        }
    }

    mutating func check(isQuiet: Bool, _ report: () -> SyncReport) {
        guard isQuiet, waiting.contains(where: { $0.standing == .hasPassed }) else { return }
        let done = waiting.filter { $0.standing == .hasPassed }
        waiting.removeAll { $0.standing == .hasPassed }
        let report = report()
        for waiter in done { waiter.answer(report) }
    }

    /// Answers who doesn't wait any longer, with what is known so far.
    mutating func leave(_ request: SyncRequest, _ report: () -> SyncReport) {
        guard let index = waiting.firstIndex(where: { $0.request === request }) else { return }
        waiting.remove(at: index).answer(report())
    }

    mutating func fail(_ report: SyncReport) {
        for waiter in waiting { waiter.answer(report) }
        waiting = []
    }
}
