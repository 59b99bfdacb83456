import GRDB

/// Checks that searching and filtering find every record that counts as indexed.
///
/// A file that mixes two states, as a damaged write-ahead log leaves it, may lack entries that it says
/// it has; then a person who is in the casebook isn't found.
struct IndexAudit {
    private let db: Database
    private let fields: FieldIndex
    private let lanes: LaneTable
    /// Records whose words are in a table.
    private let found: Set<Int64>
    /// Records that are read because their index is older than they are.
    private let queued: Set<Int64>
    /// Records that aren't found by their words or by a value.
    private(set) var lacking = 0

    init(_ db: Database, lanes: LaneTable) throws {
        self.db = db
        self.lanes = lanes
        fields = FieldIndex(db: db, fields: try IndexedFields(db))
        found = try IndexAudit.found(db)
        queued = Set(try Query(db, "SELECT n FROM search_queue").all { $0.int64(0) })
    }

    private static func found(_ db: Database) throws -> Set<Int64> {
        var found: Set<Int64> = []
        for table in try SearchIndex.tables(db) {
            do {
                let query = try Query(
                    db, "SELECT n FROM search_entry JOIN \(table)_docsize ON id = entry")
                found.formUnion(try query.all { $0.int64(0) })
            } catch StoreError.database {
                // What isn't there isn't found; that the table is missing is said of the file.
            }
        }
        return found
    }

    mutating func check(_ row: RecordRow, _ content: RecordContent) throws {
        let key = row.key.packed
        guard !queued.contains(key), lanes[row.key.lane].indexedKeys?.contains(key) == true else {
            return
        }
        let indexed = Indexer.Row(
            key: key, type: row.type, document: content.document,
            otherSides: content.otherSides)
        if try !found.contains(key) || !fields.has(indexed) { lacking += 1 }
    }
}
