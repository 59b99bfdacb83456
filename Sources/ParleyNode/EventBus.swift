import Synchronization

/// What happens on a node, for whoever watches: a JSON line per event.
final class EventBus: Sendable {
    private struct State {
        var next = 0
        var watchers: [Int: AsyncStream<String>.Continuation] = [:]
    }

    private let state = Mutex(State())

    /// Lines kept for a watcher that reads slowly; the oldest go first.
    private static let backlog = 1_000
    /// Records named one by one after a commit; an import of thousands would only flood.
    static let recordsPerCommit = 20

    init() {}

    func watch() -> AsyncStream<String> {
        AsyncStream(bufferingPolicy: .bufferingNewest(EventBus.backlog)) { continuation in
            let number = state.withLock { state -> Int in
                state.next += 1
                state.watchers[state.next] = continuation
                return state.next
            }
            continuation.onTermination = { [weak self] _ in
                self?.state.withLock { $0.watchers[number] = nil }
            }
        }
    }

    func post(_ event: String, _ members: [(String, JSONValue)]) {
        let watchers = state.withLock { Array($0.watchers.values) }
        guard !watchers.isEmpty else { return }
        let line = JSONText.object([("event", .string(event))] + members)
        for watcher in watchers { watcher.yield(line) }
    }

    func finish() {
        for watcher in state.withLock({ Array($0.watchers.values) }) { watcher.finish() }
    }
}
