import GRDB
import NIOConcurrencyHelpers

/// Checks that read the whole file, beside whatever else is done with it.
extension CasebookStore {
    /// How thoroughly SQLite looks at the file. Each way reads all of it.
    package enum FileCheck: String, Sendable {
        case pages = "quick_check"
        /// Also whether the indexes say what the tables do.
        case indexes = "integrity_check"
    }

    /// What is wrong with the file: what SQLite finds, and tables that aren't as they were made. Empty
    /// where it is sound.
    ///
    /// - Throws: `closed` where the store is closed meanwhile.
    package func damage(by check: FileCheck) async throws -> [String] {
        try await checking { db in
            try Query(db, "PRAGMA \(check.rawValue)").all { $0.text(0) }.filter { $0 != "ok" }
                + FileTables.problems(db)
        }
    }

    /// Checks everything the file says against everything it rests on: each log's chain and
    /// signatures, each record against what its changes mean, the digest against the records, and
    /// that nothing is left of what was erased.
    ///
    /// Reads all of it, in one snapshot; others go on reading and writing.
    ///
    /// - Parameter logsOnly: leaves out what is made from the logs.
    /// - Throws: `damaged` and `database` where it can't be read through, `closed` where the store
    ///   is closed meanwhile.
    package func audit(
        _ progress: AuditProgress = AuditProgress(), logsOnly: Bool = false
    ) async throws -> AuditReport {
        let published = writer.published
        return try await checking { db in
            let scope = ReadScope(db, log: LogReader(db))
            var report = AuditReport()
            let pace = AuditPace(progress: progress) { try published.checkIsServing() }
            try LogAudit(scope, pace).run(&report)
            if !logsOnly { try RecordAudit(scope, pace).run(&report) }
            return report
        }
    }

    /// Runs `body` on a snapshot of a connection of its own, which closing the store interrupts
    /// without harm to others.
    private func checking<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        try writer.published.checkIsServing()
        do {
            let queue = try Connection.openForChecking(path)
            let key = ObjectIdentifier(queue)
            checks.withLockedValue { $0[key] = queue }
            defer { checks.withLockedValue { $0[key] = nil } }
            return try await queue.read(body)
        } catch {
            throw failure(error)
        }
    }
}

/// Counts the steps of an audit and ends it when the store is closed.
struct AuditPace {
    let progress: AuditProgress
    let checkIsServing: () throws -> Void

    func step(_ steps: Int = 1) throws {
        progress.step(steps)
        try checkIsServing()
    }
}
