import ParleyControl
import ParleyNode

/// A live line about a sync that is under way, on a terminal.
///
/// The answer to `sync` comes when all is exchanged. What arrives meanwhile shows in the clocks of
/// `status`, asked for in a second conversation with the node.
struct SyncProgress {
    /// Soon enough to look alive, and nothing to a daemon.
    private static let pause = Duration.milliseconds(250)

    let session: Session
    /// The peer that was named, `nil` where all are meant.
    let peer: String?

    /// Shows the line while `body` runs, where somebody could see it.
    static func shown<Result>(
        on session: Session, with peer: String?, while body: () async throws -> Result
    ) async throws -> Result {
        guard Surroundings.hasErrorTerminal else { return try await body() }
        let progress = SyncProgress(session: try session.sibling(), peer: peer)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await progress.run() }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    /// Draws until it is cancelled, then leaves a clean line.
    private func run() async {
        var counter = ArrivalCounter(peer: peer)
        while !Task.isCancelled, let status = try? await status() {
            if let line = counter.line(for: status) { Output.note(line) }
            try? await Task.sleep(for: Self.pause)
        }
        Output.note(ProgressBar.erasure)
    }

    private func status() async throws -> StatusAnswer {
        try await session.perform(.status).answer()
    }
}

/// Counts the changes of others that arrive from one `status` to the next.
package struct ArrivalCounter {
    /// What was there when first asked.
    private var before: Int?
    /// The peer that was named, `nil` where all are meant.
    private let peer: String?

    package init(peer: String? = nil) {
        self.peer = peer
    }

    /// - Returns: what to write to the terminal, `nil` the first time.
    package mutating func line(for status: StatusAnswer) -> String? {
        // This node's own logs begin with its ID; what is typed meanwhile hasn't arrived.
        let own = status.node.prefix(16)
        let held = status.casebooks.flatMap(\.clock).filter { !$0.key.hasPrefix(own) }
            .reduce(0) { $0 + $1.value }
        guard let before else {
            before = held
            return nil
        }
        let arrived = Amount.text(max(0, held - before), "change")
        let absent = waitedFor(by: status)
        let waiting = absent.isEmpty ? "" : ", waiting for \(absent.joined(separator: ", "))"
        return "\(ProgressBar.erasure)syncing … \(arrived) received\(waiting)"
    }

    /// Who of those that are meant isn't connected.
    private func waitedFor(by status: StatusAnswer) -> [String] {
        status.peers.filter { !$0.connected && ($0.name?.raw == peer || peer == nil) }
            .map { $0.name?.line ?? ShortNames.node($0.node) }
    }
}
