import Dispatch
import GRDB
import NIOConcurrencyHelpers
package import ParleyCRDT
package import ParleyLog
import ParleyModel
import ParleyWire

/// One casebook on disk.
///
/// A casebook is a log per origin and the records those logs come to. Both live in one database
/// file, because a clock that claims a change and the record that shows it must become durable
/// together: kept apart, a crash between them loses edits for good or applies them twice.
///
/// There is one writer. It gathers concurrent edits into one sync, each in a savepoint of its own,
/// and answers only after the commit is durable. Readers work on snapshots and never wait for it.
/// Batches are stored byte for byte as they came, so passing them on costs no encoding; records are
/// stored merged, so showing one costs no replay. The price is that a merge has to agree with the
/// replay at all times, which the tests check on random histories.
package final class CasebookStore: Sendable {
    package let path: String
    /// Whether the process that had it open last ended without closing it: worth a look for `damage`
    /// once the node serves.
    package let wasStoppedUncleanly: Bool
    private let pool: DatabasePool
    /// The connections of checks that are under way.
    let checks = NIOLockedValueBox<[ObjectIdentifier: DatabaseQueue]>([:])
    let writer: Writer
    private let recent: RecentChanges

    /// - Parameter draft: what the file says, read over `pool`.
    init(
        _ path: String, _ pool: DatabasePool, _ draft: Draft, _ identity: Identity,
        _ environment: StoreEnvironment, wasStoppedUncleanly: Bool
    ) throws {
        let generation = try GenerationFile(besides: path)
        try generation.note(draft)
        self.path = path
        self.wasStoppedUncleanly = wasStoppedUncleanly
        self.pool = pool
        let recent = RecentChanges()
        self.recent = recent
        writer = Writer(
            path: path, pool: pool, draft: draft, identity: identity, environment: environment,
            generation: generation, recent: recent)
        writer.start()
    }

    /// In the names of write-ahead logs that were kept where something was copied over a file.
    package static let strayJournal = FileWatch.strayJournal

    // MARK: Life

    /// Waits for what is under way, copies the write-ahead log back and closes the file. A check
    /// that reads all of it is broken off.
    ///
    /// On a thread of its own: it waits for readers, who need one of the few threads that tasks share
    /// to come to an end.
    package func close() async throws {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "parley.store.close").async {
                continuation.resume(with: Result { try self.closeWaiting() })
            }
        }
    }

    private func closeWaiting() throws {
        writer.published.stop(.closed)
        checks.withLockedValue { for queue in $0.values { queue.interrupt() } }
        // The last connection to close takes the write-ahead log away, and a reader can't.
        pool.invalidateReadOnlyConnections()
        do {
            writer.finish()
            try pool.close()
        } catch {
            throw StoreError.translating(error)
        }
    }

    // MARK: Looking after

    /// The writing connection's settings that durability rests on, as SQLite reports them.
    package func settings() async throws -> [(name: String, value: String)] {
        try await writer.perform { try Connection.currentSettings($0.db) }
    }

    // MARK: What is known without reading

    package var casebookID: Digest { writer.published.draft.casebook.id }
    /// The log this node writes now.
    package var origin: Origin { writer.published.draft.casebook.origin }
    /// Stored and verified, as of the last durable commit.
    package var heldClock: Clock { writer.published.held }
    /// Merged and shown, as of the last durable commit.
    package var appliedClock: Clock { writer.published.applied }

    /// How far a log without forks is held: what comes next must begin after it and continue its
    /// hash.
    package func head(of origin: Origin) -> (last: UInt64, hash: Digest) {
        let held = writer.published.draft.lanes[origin]?.held ?? .start
        return (held.sequence, held.hash)
    }

    package func hasForked(_ origin: Origin) -> Bool {
        writer.published.draft.lanes.hasForked(origin)
    }

    /// The members as of the last durable commit, sorted by name.
    package var members: [Member] { writer.published.members }

    /// Members whom a revocation names that is held and can't be applied yet: they get nothing.
    package var suspended: Set<NodeID> { writer.published.suspended }

    /// Calls `body` after each durable commit that changed something, on the writer's thread: it
    /// must return at once.
    package func observeCommits(_ body: @escaping @Sendable (CommitNotice) -> Void) {
        writer.published.observe(body)
    }

    /// Calls `body` when a commit has failed so that its outcome is unknown, or something was copied
    /// over the file: nothing is served any more, and only opening it again shows what became of it.
    package func observeStop(_ body: @escaping @Sendable (StoreError) -> Void) {
        writer.published.observeStop(body)
    }

    // MARK: Reading and writing

    /// Runs `body` on a snapshot.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (ReadScope) throws -> Value
    ) async throws -> Value {
        try writer.published.checkIsServing()
        // The writer can tell for sure, and stops then.
        if !writer.watch.looksUntouched { try await writer.perform { _ in } }
        let recent = recent.view()
        do {
            return try await pool.read { db in
                try body(ReadScope(db, log: LogReader(db, recent: recent)))
            }
        } catch {
            throw failure(error)
        }
    }

    /// Why a read failed: that the store was closed or stopped meanwhile says more than what SQLite makes
    /// of it.
    func failure(_ error: any Error) -> any Error {
        do {
            try writer.published.checkIsServing()
            return StoreError.translating(error)
        } catch {
            return error
        }
    }

    /// Runs `body` in a savepoint of a transaction shared with other writes, and returns once the
    /// commit is durable. When it throws, only what it did is undone. It may run a second time, by
    /// itself, where another write of the same transaction turns out to break the format.
    ///
    /// - Throws: `full` where nothing was written for want of space, `stopped` where the outcome is
    ///   unknown; what `body` throws.
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (WriteScope) throws -> Value
    ) async throws -> Value {
        try await writer.perform { transaction in
            try body(WriteScope(transaction))
        }
    }

    /// Takes in batches of others, all or none, in one transaction with the clock that claims them.
    ///
    /// Each must continue what is held of its log; repeats are skipped. What can't be applied yet
    /// waits, durable and counted as held.
    ///
    /// - Throws: `wrongCasebook`, `gap`, `strangersLog`, `tooManyLogs`, `tooLarge`; nothing is stored then.
    @discardableResult
    package func ingest(_ batches: [VerifiedBatch]) async throws -> IngestReport {
        try await ingest(batches.map(PreparedBatch.init))
    }

    /// The same of batches that `prepare` has made.
    package func ingest(_ prepared: [PreparedBatch]) async throws -> IngestReport {
        do {
            return try await writer.perform { try $0.ingest(prepared) }
        } catch  where error.mayBeAboutOneChange {
            return try await writer.perform { try $0.ingest(prepared, isIsolating: true) }
        }
    }
}
