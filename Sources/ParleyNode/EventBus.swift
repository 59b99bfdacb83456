import NIOConcurrencyHelpers
import ParleyModel
import ParleyStore

/// What happens on a node, for whoever watches.
final class EventBus: Sendable {
    /// Something that has happened.
    struct Event: Sendable {
        /// A record, for more than its ID to be told of it.
        struct Subject: Sendable {
            let record: RecordID
            let store: CasebookStore
        }

        /// Counts all events of the node, so that a watcher notices those it missed.
        let number: Int
        let kind: String
        /// By the wall clock, milliseconds since 1970.
        let time: UInt64
        let members: [(String, JSONValue)]
        let subject: Subject?
    }

    private struct State {
        var nextNumber = 0
        var nextWatcher = 0
        var watchers: [Int: AsyncStream<Event>.Continuation] = [:]
    }

    private let state = NIOLockedValueBox(State())
    private let now: @Sendable () -> UInt64

    /// Events kept for a watcher that reads slowly; the oldest go first.
    static let backlog = 1_000

    /// - Parameter now: milliseconds since 1970.
    init(now: @escaping @Sendable () -> UInt64) {
        self.now = now
    }

    /// What happens from now on.
    ///
    /// - Returns: the events, and the number of the first.
    func watch() -> (events: AsyncStream<Event>, first: Int) {
        let (events, queue) = AsyncStream.makeStream(
            of: Event.self, bufferingPolicy: .bufferingNewest(EventBus.backlog))
        return state.withLockedValue { state in
            let watcher = state.nextWatcher
            state.nextWatcher += 1
            state.watchers[watcher] = queue
            queue.onTermination = { [weak self] _ in
                self?.state.withLockedValue { $0.watchers[watcher] = nil }
            }
            return (events, state.nextNumber)
        }
    }

    /// Whether anybody is there to be told.
    var isWatched: Bool { state.withLockedValue { !$0.watchers.isEmpty } }

    func post(
        _ kind: String, _ members: [(String, JSONValue)], about subject: Event.Subject? = nil
    ) {
        // Queued under the lock, so that the numbers come in order; nobody runs for that.
        state.withLockedValue { state in
            guard !state.watchers.isEmpty else { return }
            let event = Event(
                number: state.nextNumber, kind: kind, time: now(), members: members,
                subject: subject)
            state.nextNumber += 1
            for watcher in state.watchers.values { watcher.yield(event) }
        }
    }

    func finish() {
        for watcher in state.withLockedValue({ Array($0.watchers.values) }) { watcher.finish() }
    }
}
