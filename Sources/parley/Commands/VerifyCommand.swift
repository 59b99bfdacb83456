import ArgumentParser
import ParleyControl

/// `parley verify`
struct Verify: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Check every change, signature and record of this node's casebooks.",
        discussion: """
            Reads all there is: the file as SQLite sees it, the chain of each log and its \
            signatures, every record against the changes it rests on, the digest, and that nothing \
            is left of what was erased. Changes nothing; the daemon serves meanwhile. A finding \
            names changes and records by their IDs, and ends the command with 7.
            """)
    static let examples = [
        Example("all casebooks", "parley verify"),
        Example("one of them, for a script", "parley verify --casebook sweida --json"),
    ]

    @OptionGroup var options: NodeOptions

    func run() async throws {
        try await Session.with(options) { session in
            let response = try await VerifyBar.shown(on: session) {
                try await session.perform(.verify)
            }
            try session.show(response, page: CheckPage.text)
        }
    }
}

/// A bar for a `verify` that is under way, on a terminal: how far it is, a second conversation with
/// the node says.
private struct VerifyBar {
    /// Soon enough to look alive, and nothing to a daemon.
    private static let pause = Duration.milliseconds(250)

    let session: Session

    static func shown<Result>(
        on session: Session, while body: () async throws -> Result
    ) async throws -> Result {
        guard Surroundings.hasErrorTerminal else { return try await body() }
        let bar = VerifyBar(session: try session.sibling())
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await bar.run() }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    /// Draws until it is cancelled, then leaves a clean line.
    private func run() async {
        var drawn: ProgressBar?
        while !Task.isCancelled, let progress = try? await progress() {
            if drawn?.total != progress.total {
                drawn =
                    progress.total > 0
                    ? ProgressBar(label: "verifying", total: progress.total) : nil
            }
            if let line = drawn?.line(at: progress.done) { Output.note(line) }
            try? await Task.sleep(for: VerifyBar.pause)
        }
        Output.note(ProgressBar.erasure)
    }

    private func progress() async throws -> VerifyProgressAnswer {
        try await session.perform(.verifyProgress).answer()
    }
}
