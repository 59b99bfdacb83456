import ParleyModel
import ParleySync

/// What a session has to tell of itself: everything so far, less what was told before.
struct SessionAccount {
    /// Open conflicts in the records that were touched by what came in, since this was told.
    private var conflicts: [RecordID: Int] = [:]
    private var uninterpreted = 0
    /// What earlier answers to `sync` have told already.
    private var told: SyncReport?

    /// The store took batches.
    mutating func note(conflicts: [RecordID: Int], uninterpreted: Int) {
        self.conflicts.merge(conflicts) { _, now in now }
        self.uninterpreted += uninterpreted
    }

    /// What happened since this was last told.
    mutating func news(
        of tallies: some Collection<SessionTally>, _ traffic: Traffic, _ empty: SyncReport
    )
        -> SyncReport
    {
        let whole = report(of: tallies, traffic, empty)
        defer {
            told = whole
            conflicts = [:]
        }
        return whole.since(told)
    }

    /// The same, staying news for whoever asks next.
    func progress(
        of tallies: some Collection<SessionTally>, _ traffic: Traffic, _ empty: SyncReport
    ) -> SyncReport {
        report(of: tallies, traffic, empty).since(told)
    }

    private func report(
        of tallies: some Collection<SessionTally>, _ traffic: Traffic, _ empty: SyncReport
    ) -> SyncReport {
        var report = empty
        for tally in tallies {
            report.received += tally.received
            report.sent += tally.sent
            report.columns.received += tally.columnsReceived
            report.columns.sent += tally.columnsSent
        }
        report.openConflicts = conflicts
        report.uninterpreted = uninterpreted
        report.traffic = traffic
        report.wasConnected = true
        return report
    }
}
