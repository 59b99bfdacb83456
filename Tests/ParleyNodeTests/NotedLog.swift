import Logging
import NIOConcurrencyHelpers

/// What a node logs, for a test to read afterwards or to wait for.
final class NotedLog: Sendable {
    private struct State {
        var lines: [String] = []
        var waiting: [(text: String, arrive: AsyncStream<Void>.Continuation)] = []
    }

    private let state = NIOLockedValueBox(State())

    var logger: Logger {
        var logger = Logger(label: "test", factory: { _ in Handler(log: self) })
        logger.logLevel = .debug
        return logger
    }

    /// Each with its metadata.
    var lines: [String] { state.withLockedValue { $0.lines } }

    /// Returns once a line that contains `text` has been logged, or when cancelled, as by a test's
    /// time limit.
    func line(containing text: String) async {
        let (arrival, arrive) = AsyncStream.makeStream(of: Void.self)
        let isThere = state.withLockedValue { state in
            if state.lines.contains(where: { $0.contains(text) }) { return true }
            state.waiting.append((text, arrive))
            return false
        }
        if isThere { arrive.finish() }
        for await _ in arrival {}
    }

    private func note(_ line: String) {
        let awaited = state.withLockedValue { state in
            state.lines.append(line)
            defer { state.waiting.removeAll { line.contains($0.text) } }
            return state.waiting.filter { line.contains($0.text) }
        }
        for waiter in awaited { waiter.arrive.finish() }
    }

    private struct Handler: LogHandler {
        let log: NotedLog
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
            log.note((["\(event.message)"] + details).joined(separator: " "))
        }
    }
}
