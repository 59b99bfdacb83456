import GRDB
import GRDBSQLite
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// One transaction of the writer: the draft it works on and the statements it runs.
///
/// Confined to the writing connection's queue.
final class Transaction {
    let db: Database
    let environment: StoreEnvironment
    let identity: Identity
    let table: RecordTable
    let log: LogReader
    private let changesBefore: Int32
    var draft: Draft
    lazy var creations = CreationPreparer()
    /// Whether a part couldn't be undone, so that nothing of the whole may be committed.
    private(set) var isBroken = false

    init(_ db: Database, draft: Draft, identity: Identity, environment: StoreEnvironment) {
        self.db = db
        self.draft = draft
        self.identity = identity
        self.environment = environment
        changesBefore = sqlite3_total_changes(db.sqliteConnection)
        table = RecordTable(db: db)
        log = LogReader(db)
        #if DEBUG
            if PlantedDefect.erasureExpires.isPlanted {
                let now = environment.wallMilliseconds()
                self.draft.claims.forget { $0.seen + 30 * 86_400_000 < now }
            }
        #endif
    }

    /// Whether there is anything to commit.
    var hasChanges: Bool {
        draft.hasChanges || sqlite3_total_changes(db.sqliteConnection) != changesBefore
    }

    /// Writes what the draft says into the file, before the commit.
    func save() throws {
        try settleMembers()
        try draft.save(db)
    }

    // MARK: Savepoints

    /// Runs `body` in a savepoint of its own: when it throws, only what it did is undone.
    func savepoint<Value>(_ body: () throws -> Value) throws -> Value {
        let before = draft
        try db.run("SAVEPOINT part")
        do {
            let value = try body()
            try db.run("RELEASE part")
            return value
        } catch {
            undo(to: before)
            // A full disk can have made SQLite undo everything already.
            if sqlite3_get_autocommit(db.sqliteConnection) == 0 {
                do {
                    try db.run("ROLLBACK TO part; RELEASE part")
                } catch {
                    isBroken = true
                    throw error
                }
            }
            throw error
        }
    }

    private func undo(to before: Draft) {
        #if DEBUG
            let failed = draft
            defer {
                if PlantedDefect.counterSurvivesFailure.isPlanted { draft.lanes = failed.lanes }
            }
        #endif
        draft = before
        log.forget()
    }

    // MARK: The log

    /// The hash of a held change, also of one that waits in the tail.
    func hash(_ lane: Int, _ sequence: UInt64) throws -> Digest? {
        let point = draft.lanes[lane].applied
        if point.sequence == sequence { return point.hash }
        if let pending = pending(lane, sequence) { return pending.hash }
        return try log.hash(lane, sequence)
    }

    func change(_ lane: Int, _ sequence: UInt64) throws -> (change: Change, hash: Digest)? {
        try pending(lane, sequence) ?? log.change(lane, sequence)
    }

    private func contextDeltas(
        _ lane: Int, _ sequences: ClosedRange<UInt64>
    ) throws -> [[Clock.Entry]] {
        guard isTailed(lane) else { return try log.contextDeltas(lane, sequences) }
        return try sequences.map { sequence in
            guard let (change, _) = try change(lane, sequence) else {
                throw StoreError.damaged("a log has a gap")
            }
            return change.contextDelta
        }
    }

    private func salts(_ lane: Int, _ sequence: UInt64) throws -> ChangeSalts? {
        let own = isTailed(lane) ? draft.tail.salts(of: sequence) : nil
        return try own ?? log.salts(lane, sequence)
    }

    func batch(_ lane: Int, containing sequence: UInt64) throws -> (
        run: LogReader.Run, batch: Batch
    )? {
        try log.batch(lane, containing: sequence)
    }

    private func pending(_ lane: Int, _ sequence: UInt64) -> (change: Change, hash: Digest)? {
        isTailed(lane) ? draft.tail.change(sequence) : nil
    }

    /// Whether changes of a lane wait in the tail.
    private func isTailed(_ lane: Int) -> Bool {
        !draft.tail.isEmpty && draft.lanes[lane].origin == draft.casebook.origin
    }

    /// The logs as they are now, this transaction's own changes included.
    var logs: HeldLogs { HeldLogs(lanes: draft.lanes) { try self.hash($0, $1) } }

    /// Whether changes hold what claims are about: until the end of this transaction, or until a person
    /// has confirmed it.
    var isHiding: Bool { draft.claims.isPending || !draft.overdue.isEmpty }

    /// The changes behind what is merged, this transaction's own included.
    var history: EditHistory {
        EditHistory(
            db: db, logs: logs, membership: draft.membership, casebook: draft.casebook.id,
            claims: draft.claims, isHiding: isHiding,
            find: { try self.change($0, $1) },
            contextDeltas: { try self.contextDeltas($0, $1) }, salts: { try self.salts($0, $1) })
    }

    // MARK: Records

    func content(of row: RecordRow) throws -> RecordContent {
        try row.content(logs: logs, types: draft.types)
    }
}
