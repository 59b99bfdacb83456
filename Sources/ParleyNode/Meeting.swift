import ParleyTransport

/// How meeting a peer on request went.
struct Meeting: Sendable {
    var report: SyncReport
    /// Why not everything was exchanged, for people; `nil` where it was.
    let obstacle: String?

    /// - Parameters:
    ///   - round: where the peer was looked for in vain, `nil` where that isn't known yet.
    ///   - patience: how long was waited.
    init(_ report: SyncReport, looking round: DialRound?, for patience: Duration) {
        self.report = report
        obstacle =
            report.isComplete ? nil : Meeting.obstacle(report, round, hasTime: patience > .zero)
    }

    private init(_ report: SyncReport, obstacle: String?) {
        self.report = report
        self.obstacle = obstacle
    }

    /// Both together, as complete as the later one.
    func followed(by later: Meeting) -> Meeting {
        Meeting(report.followed(by: later.report), obstacle: later.obstacle)
    }

    private static func obstacle(
        _ report: SyncReport, _ round: DialRound?, hasTime: Bool
    ) -> String {
        if let failure = report.failure { return failure.words }
        if report.wasConnected {
            return hasTime
                ? "the time was up before all was exchanged"
                : "connected, but with no time to wait until all was exchanged"
        }
        if let round { return round.words }
        return hasTime
            ? "it didn't answer in time" : "not connected, and there was no time to try"
    }
}
