import GRDB
import ParleyCRDT

/// Fills the search tables and the index of field values, behind the intake and in bounded steps.
///
/// Indexing costs more than storing does, and nobody waits for it, so it isn't part of taking
/// records in. What isn't indexed yet is known - creations by a mark per lane, edits by a queue -
/// and is read instead: answers are always complete, only slower.
struct Indexer {
    /// Grows when folding, tables or the choice of values change: older indexes are made anew.
    static let format = 2

    let transaction: Transaction
    private var db: Database { transaction.db }

    /// A record to be indexed.
    struct Row {
        let key: Int64
        let type: Int
        let document: Document
        var otherSides: [OtherSide] = []
    }

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
            db, "SELECT n, type, doc FROM search_queue JOIN record USING (n) ORDER BY n LIMIT ?1")
        query.bind(1, limit)
        let rows = try query.all { try Row($0) }
        try index(rows)
        for row in rows {
            let query = try Query(db, "DELETE FROM search_queue WHERE n = ?1")
            query.bind(1, row.key)
            try query.run()
        }
        return rows.count
    }

    private func indexCreated(_ lane: Lane, limit: Int) throws -> Int {
        guard let keys = lane.unindexedKeys else { return 0 }
        let query = try Query(
            db, "SELECT n, type, doc FROM record WHERE n BETWEEN ?1 AND ?2 ORDER BY n LIMIT ?3")
        query.bind(1, keys.lowerBound)
        query.bind(2, keys.upperBound)
        query.bind(3, limit)
        let rows = try query.all { try Row($0) }
        try index(rows)
        let isDone = rows.count < limit
        transaction.draft.lanes[lane.number].searched =
            isDone ? keys.upperBound : rows[rows.count - 1].key
        transaction.draft.changedLanes.insert(lane.number)
        return rows.count
    }

    /// - Parameter rows: sorted by key.
    private func index(_ rows: [Row]) throws {
        guard let first = rows.first, let last = rows.last else { return }
        var rows = rows
        let query = try Query(db, "SELECT DISTINCT n FROM conflict WHERE n BETWEEN ?1 AND ?2")
        query.bind(1, first.key)
        query.bind(2, last.key)
        let disputed = Set(try query.all { $0.int64(0) })
        for index in rows.indices where disputed.contains(rows[index].key) {
            let row = try transaction.table.row(RecordKey(packed: rows[index].key))
            rows[index].otherSides = try row.map(transaction.content)?.otherSides ?? []
        }
        try SearchIndex(db: db).add(rows)
        try FieldIndex(db: db, fields: transaction.draft.indexedFields).add(rows)
    }

    /// Forgets everything where the index was made in another way or of other fields, so that all
    /// records are indexed anew.
    func prepare(_ fields: IndexedFields) throws {
        guard transaction.draft.needsIndex(of: fields) else { return }
        try begin(fields)
    }

    /// Forgets everything, so that all records are indexed anew.
    func begin(_ fields: IndexedFields) throws {
        for table in try SearchIndex.tables(db) { try db.run("DROP TABLE IF EXISTS \(table)") }
        try db.run(
            "DELETE FROM search_entry; DELETE FROM search_queue; DELETE FROM field_value")
        try fields.save(db)
        transaction.draft.indexedFields = fields
        transaction.draft.casebook.indexFormat = Indexer.format
        for lane in transaction.draft.lanes.lanes {
            transaction.draft.lanes[lane.number].searched = 0
            transaction.draft.changedLanes.insert(lane.number)
        }
    }
}

extension Draft {
    /// Whether the index isn't what this program would make of these fields.
    func needsIndex(of fields: IndexedFields) -> Bool {
        indexedFields != fields || casebook.indexFormat != Indexer.format
    }
}

extension Indexer.Row {
    fileprivate init(_ row: Query) throws {
        key = row.int64(0)
        type = row.int(1)
        document = try Document(json: row.bytes(2))
    }
}

extension Lane {
    /// The keys that creations applied so far can have.
    var creationKeys: ClosedRange<Int64> {
        let last = RecordKey(
            lane: number, sequence: applied.sequence, group: RecordKey.maximumGroup)
        return RecordKey(lane: number, sequence: 0).packed...last.packed
    }

    /// Those of them that aren't in the index yet, `nil` where all are.
    var unindexedKeys: ClosedRange<Int64>? {
        let keys = creationKeys
        // A mark of zero stands for "nothing", before any key of the lane.
        let first = max(searched + 1, keys.lowerBound)
        return first <= keys.upperBound ? first...keys.upperBound : nil
    }

    /// Those that are, `nil` where none is.
    var indexedKeys: ClosedRange<Int64>? {
        let keys = creationKeys
        return searched >= keys.lowerBound ? keys.lowerBound...searched : nil
    }
}

extension CasebookStore {
    /// Records indexed in one transaction while others want to write: some 20 ms of the writer.
    private static let smallStep = 1024
    /// The same where somebody waits for all of it: larger steps cost less in sum.
    private static let largeStep = 8192

    /// Has everything indexed anew; until then answers are complete, only slower.
    package func forgetIndex() async throws {
        try await writer.perform { transaction in
            try Indexer(transaction: transaction).begin(transaction.draft.indexedFields)
        }
    }

    /// Indexes what came in since, other writes in between.
    package func index() async throws {
        while try await indexStep(limit: CasebookStore.largeStep) {}
    }

    /// Indexes a little of what came in since.
    ///
    /// - Returns: whether there may be more.
    package func indexStep() async throws -> Bool {
        try await indexStep(limit: CasebookStore.smallStep)
    }

    private func indexStep(limit: Int) async throws -> Bool {
        try await writer.perform { transaction in
            try Indexer(transaction: transaction).step(limit: limit) == limit
        }
    }
}
