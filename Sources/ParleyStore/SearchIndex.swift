import GRDB
import ParleyCRDT
import ParleyModel

/// Fills the search tables, behind the intake and in bounded steps.
///
/// Full-text indexing costs twice what storing does, and nobody waits for it, so it isn't part of
/// taking records in. What isn't indexed yet is known - creations by a mark per lane, edits by a
/// queue - and is searched by reading. A table holds at most 20,000 records, because this SQLite
/// keeps deleted words until a table is rebuilt, and an erasure has to do that.
struct SearchIndex {
    static let tableSize: Int64 = 20_000

    let transaction: Transaction
    private var db: Database { transaction.db }

    /// Indexes up to `limit` records.
    ///
    /// - Returns: how many there were; fewer than `limit` where none is left.
    func step(limit: Int) throws -> Int {
        var count = try indexEdited(limit: limit)
        for lane in transaction.draft.lanes.lanes where count < limit {
            count += try indexCreated(lane, limit: limit - count)
        }
        return count
    }

    private func indexEdited(limit: Int) throws -> Int {
        let query = try Query(
            db,
            """
            SELECT n, doc FROM search_queue JOIN record USING (n) ORDER BY n LIMIT ?1
            """)
        query.bind(1, limit)
        let rows = try query.all { ($0.int64(0), $0.bytes(1)) }
        try index(rows)
        for (n, _) in rows {
            let query = try Query(db, "DELETE FROM search_queue WHERE n = ?1")
            query.bind(1, n)
            try query.run()
        }
        return rows.count
    }

    private func indexCreated(_ lane: Lane, limit: Int) throws -> Int {
        let end = lane.searchEnd
        guard lane.searched < end else { return 0 }
        let query = try Query(
            db, "SELECT n, doc FROM record WHERE n > ?1 AND n <= ?2 ORDER BY n LIMIT ?3")
        query.bind(1, lane.searched)
        query.bind(2, end)
        query.bind(3, limit)
        let rows = try query.all { ($0.int64(0), $0.bytes(1)) }
        try index(rows)
        let isDone = rows.count < limit
        transaction.draft.lanes[lane.number].searched = isDone ? end : rows[rows.count - 1].0
        transaction.draft.changedLanes.insert(lane.number)
        return rows.count
    }

    private func index(_ rows: [(n: Int64, document: [UInt8])]) throws {
        guard !rows.isEmpty else { return }
        var entry = try Query(db, "SELECT max(entry) FROM search_entry").first { $0.int64(0) } ?? 0
        for (n, document) in rows {
            entry += 1
            let words = try Document(json: document).texts.flatMap {
                SearchFolding.words(of: $0.text)
            }
            let note = try Query(db, "INSERT INTO search_entry (entry, n) VALUES (?1, ?2)")
            note.bind(1, entry)
            note.bind(2, n)
            try note.run()
            let table = try SearchIndex.table(for: entry, db)
            let insert = try Query(db, "INSERT INTO \(table) (rowid, words) VALUES (?1, ?2)")
            insert.bind(1, entry)
            insert.bind(2, text: words.joined(separator: " "))
            try insert.run()
        }
    }

    /// The table an entry belongs to, made when its first one comes.
    private static func table(for entry: Int64, _ db: Database) throws -> String {
        let table = "search_\(entry / tableSize)"
        if entry == 1 || entry % tableSize == 0 {
            try db.run(
                """
                CREATE VIRTUAL TABLE IF NOT EXISTS \(table)
                USING fts5 (words, content = '', tokenize = 'unicode61 remove_diacritics 0')
                """)
        }
        return table
    }
}

extension Lane {
    /// The highest key a creation applied so far can have.
    var searchEnd: Int64 {
        RecordKey(lane: number, sequence: applied.sequence, group: RecordKey.maximumGroup).packed
    }
}

extension CasebookStore {
    /// Records indexed in one transaction: some 25 ms of the writer.
    private static let searchStep = 2048

    /// Indexes what came in since, step by step, other writes in between. To be called when
    /// things are quiet; until then, searches read what isn't indexed and are slower, not wrong.
    package func indexSearch() async throws {
        while try await indexSearchStep() {}
    }

    /// One step of `indexSearch`.
    ///
    /// - Returns: whether there may be more.
    package func indexSearchStep() async throws -> Bool {
        try await writer.perform { transaction in
            let count = try SearchIndex(transaction: transaction).step(
                limit: CasebookStore.searchStep)
            return count == CasebookStore.searchStep
        }
    }
}
