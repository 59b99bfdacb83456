import GRDB
import GRDBSQLite
import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyLog

/// The one writer of a store: gathers concurrent jobs into transactions.
///
/// While one transaction waits for the disk, further jobs queue up and share the next sync. Each
/// runs in a savepoint of its own, and hears of its success only when the commit is durable.
final class Writer: Sendable {
    /// Jobs in one transaction, so that the first of a long queue is answered soon.
    private static let groupLimit = 256

    private struct Queue {
        var jobs: [any WriterJob] = []
        var isRunning = false
    }

    private let pool: DatabasePool
    private let identity: Identity
    private let environment: StoreEnvironment
    private let generation: GenerationFile
    private let recent: RecentChanges
    private let queue = NIOLockedValueBox(Queue())
    private let journal = Journal()
    /// Notices where others write to the files.
    let watch: FileWatch
    let published: Published

    init(
        path: String, pool: DatabasePool, draft: Draft, identity: Identity,
        environment: StoreEnvironment, generation: GenerationFile, recent: RecentChanges
    ) {
        self.pool = pool
        self.identity = identity
        self.environment = environment
        self.generation = generation
        self.recent = recent
        watch = FileWatch(path)
        published = Published(draft)
    }

    /// Before the first job.
    func start() {
        pool.writeWithoutTransaction { db in
            journal.follow(db)
            watch.begin(db)
        }
    }

    /// Runs `body` in a transaction and returns once its commit is durable.
    func perform<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let isFirst = queue.withLockedValue { queue in
                queue.jobs.append(Job(body: body, continuation: continuation))
                defer { queue.isRunning = true }
                return !queue.isRunning
            }
            if isFirst { pool.asyncWriteWithoutTransaction { self.drain($0) } }
        }
    }

    /// Copies the write-ahead log back into the file and cuts it off.
    ///
    /// - Returns: whether that could be done; not while somebody reads an older snapshot.
    func cutJournal() async throws -> Bool {
        try await withCheckedThrowingContinuation { continuation in
            pool.asyncWriteWithoutTransaction { db in
                continuation.resume(
                    with: Result {
                        try self.published.checkIsServing()
                        let isCut = try self.watch.copying(db) { try self.journal.cut(db) }
                        guard let isCut else { throw self.stopped(.replaced) }
                        return isCut
                    })
            }
        }
    }

    private func drain(_ db: Database) {
        while true {
            let jobs = queue.withLockedValue { queue in
                let jobs = Array(queue.jobs.prefix(Writer.groupLimit))
                queue.jobs.removeFirst(jobs.count)
                queue.isRunning = !jobs.isEmpty
                return jobs
            }
            guard !jobs.isEmpty else { return }
            run(jobs, db)
            if journal.isLong { _ = watch.copying(db) { journal.copyBack(db) } }
        }
    }

    private func run(_ jobs: [any WriterJob], _ db: Database) {
        do {
            try published.checkIsServing()
            let transaction = try begin(db)
            // Also what is undone may have been written to the log.
            defer { watch.note(db) }
            for job in jobs {
                job.perform(in: transaction)
                // A full disk can make SQLite undo the whole transaction under way.
                guard sqlite3_get_autocommit(db.sqliteConnection) == 0 else {
                    throw job.failure ?? StoreError.full
                }
                guard !transaction.isBroken else {
                    try? db.run("ROLLBACK")
                    throw stopped()
                }
            }
            #if DEBUG
                if PlantedDefect.replyBeforeCommit.isPlanted {
                    for job in jobs { job.finish(nil) }
                    if let early = try? finish(transaction, db) { published.announce(early) }
                    return
                }
            #endif
            let notice = try finish(transaction, db)
            // First, so that whoever has an answer can rely on the sessions having heard of it.
            if let notice { published.announce(notice) }
            for job in jobs { job.finish(nil) }
        } catch is RefusedTail where jobs.count > 1 {
            // One of them wrote what the format doesn't allow; the others shall not suffer.
            for job in jobs { run([job], db) }
        } catch {
            let cause = (error as? RefusedTail)?.cause ?? StoreError.translating(error)
            for job in jobs { job.finish(cause) }
        }
    }

    /// Begins a transaction and checks that the file still says what memory does.
    private func begin(_ db: Database) throws -> Transaction {
        let draft = published.draft
        guard watch.isUntouched(db) else { throw stopped(.replaced) }
        try db.run("BEGIN IMMEDIATE")
        let row: CasebookRow?
        do {
            row = try CasebookRow.load(db)
        } catch {
            try? db.run("ROLLBACK")
            throw error
        }
        guard row?.epoch == draft.casebook.epoch, row?.clock == draft.casebook.clock,
            row?.generation == draft.casebook.generation
        else {
            try? db.run("ROLLBACK")
            throw stopped()
        }
        return Transaction(db, draft: draft, identity: identity, environment: environment)
    }

    /// Saves and commits.
    ///
    /// - Returns: what to tell observers, `nil` where nothing changed.
    private func finish(_ transaction: Transaction, _ db: Database) throws -> CommitNotice? {
        guard transaction.hasChanges else {
            try db.run("ROLLBACK")
            return nil
        }
        do {
            do { try transaction.flushTail() } catch { throw RefusedTail(error) ?? error }
            try transaction.carryOutClaims()
            try transaction.save()
        } catch {
            if sqlite3_get_autocommit(db.sqliteConnection) == 0 { try? db.run("ROLLBACK") }
            throw error
        }
        #if DEBUG
            plantClock(of: transaction)
        #endif
        if transaction.draft.contentsChanged {
            try recent.changing { try commit(db) }
        } else {
            try commit(db)
        }
        // Its log rests on a file that isn't there any more.
        guard watch.note(db) else { throw stopped(.replaced) }
        let draft = transaction.draft
        do { try generation.note(draft) } catch { throw stopped() }
        return published.publish(
            draft.settled, records: draft.records, forks: draft.forks.sorted(),
            membersChanged: draft.membershipChanged)
    }

    #if DEBUG
        private func plantClock(of transaction: Transaction) {
            guard PlantedDefect.clockSurvivesFailure.isPlanted else { return }
            var draft = published.draft
            draft.casebook.clock = transaction.draft.casebook.clock
            _ = published.publish(draft, records: [], forks: [], membersChanged: false)
        }
    #endif

    /// Commits durably.
    ///
    /// A full disk shows before the frame that makes the commit count is written, so that
    /// transaction is certainly undone. After any other failure nobody knows: the store stops, and
    /// a restart reads back what became of it.
    private func commit(_ db: Database) throws {
        do {
            try db.run("COMMIT")
        } catch StoreError.full {
            if sqlite3_get_autocommit(db.sqliteConnection) == 0 {
                do { try db.run("ROLLBACK") } catch { throw stopped() }
            }
            throw StoreError.full
        } catch {
            try? db.run("ROLLBACK")
            throw stopped()
        }
    }

    /// Copies the write-ahead log back and lets it be taken away, unless something was copied over the
    /// files or a commit has failed: what is in the log need not be on the disk then, and the next
    /// opening makes sure of it first. Before the file is closed.
    func finish() {
        _ = try? pool.writeWithoutTransaction { db in
            guard watch.isUntouched(db) else {
                generation.forget()
                return
            }
            guard !published.hasFailed else { return }
            _ = try journal.cut(db)
            try Connection.setCopiesOnClosing(db, true)
        }
    }

    /// Serves nothing any more, and makes sure that what is written after the next opening can't
    /// have a dot that was given here.
    private func stopped(_ failure: StoreError = .stopped) -> StoreError {
        generation.forget()
        published.stop(failure)
        return failure
    }
}

/// Own changes that can't be encoded: found only when all of a transaction are put together.
private struct RefusedTail: Error {
    let cause: StoreError

    /// - Returns: `nil` for errors of another kind.
    init?(_ error: any Error) {
        guard let error = error as? StoreError else { return nil }
        switch error {
        case .log, .tooLarge: cause = error
        default: return nil
        }
    }
}

/// A piece of work for the writer. Used by the writing connection's queue only, one after another.
protocol WriterJob: Sendable {
    /// Why it failed, where it has.
    var failure: (any Error)? { get }
    func perform(in transaction: Transaction)
    /// Answers the caller.
    ///
    /// - Parameter error: why the whole transaction failed; `nil` once it is durable.
    func finish(_ error: (any Error)?)
}

/// `@unchecked Sendable`: `result` is confined to the writing connection's queue.
private final class Job<Value: Sendable>: WriterJob, @unchecked Sendable {
    private let body: @Sendable (Transaction) throws -> Value
    private let continuation: CheckedContinuation<Value, any Error>
    private var result: Result<Value, any Error>?

    init(
        body: @escaping @Sendable (Transaction) throws -> Value,
        continuation: CheckedContinuation<Value, any Error>
    ) {
        self.body = body
        self.continuation = continuation
    }

    var failure: (any Error)? {
        guard case .failure(let error)? = result else { return nil }
        return error
    }

    func perform(in transaction: Transaction) {
        result = Result { try transaction.savepoint { try body(transaction) } }
    }

    func finish(_ error: (any Error)?) {
        switch (result, error) {
        case (.failure(let own)?, _): continuation.resume(throwing: StoreError.translating(own))
        case (_, let error?): continuation.resume(throwing: error)
        case (.success(let value)?, nil): continuation.resume(returning: value)
        case (nil, nil): continuation.resume(throwing: StoreError.stopped)
        }
    }
}
