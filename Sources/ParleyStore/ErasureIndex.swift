import GRDB
import ParleyCRDT
import ParleyModel

/// Takes the words and values of erased records out of what they are found by.
struct ErasureIndex {
    let transaction: Transaction
    private var db: Database { transaction.db }

    /// A redacted record is indexed anew without what was redacted.
    func takeOut(_ claims: [Claim]) throws {
        let records = Set(claims.map(\.record.packed))
        let list = "[\(records.map(String.init).joined(separator: ","))]"
        // Neither table has an index by record, which would cost more than erasures do: one pass
        // over each for all records.
        let values = try Query(
            db, "DELETE FROM field_value WHERE n IN (SELECT value FROM json_each(?1))")
        values.bind(1, text: list)
        try values.run()
        let entries = try Query(
            db,
            """
            SELECT DISTINCT entry / ?2 FROM search_entry
            WHERE n IN (SELECT value FROM json_each(?1))
            """)
        entries.bind(1, text: list)
        entries.bind(2, SearchIndex.tableSize)
        let tables = try entries.all { $0.int64(0) }
        for table in tables.sorted() { try rebuild(table) }
        for claim in claims where claim.field != nil { try queue(claim.record) }
        for record in Set(claims.filter { $0.field == nil }.map(\.record)) {
            let query = try Query(db, "DELETE FROM search_queue WHERE n = ?1")
            query.bind(1, record.packed)
            try query.run()
        }
    }

    /// This SQLite keeps deleted words until a table is rebuilt: the records of the table are
    /// indexed anew, behind the intake.
    private func rebuild(_ table: Int64) throws {
        let range = [table * SearchIndex.tableSize, (table + 1) * SearchIndex.tableSize - 1]
        let requeue = try Query(
            db,
            """
            INSERT OR IGNORE INTO search_queue (n)
            SELECT DISTINCT n FROM search_entry WHERE entry BETWEEN ?1 AND ?2
            """)
        let forget = try Query(db, "DELETE FROM search_entry WHERE entry BETWEEN ?1 AND ?2")
        for query in [requeue, forget] {
            query.bind(1, range[0])
            query.bind(2, range[1])
            try query.run()
        }
        try db.run("DROP TABLE search_\(table)")
        try SearchIndex(db: db).makeTable("search_\(table)")
    }

    private func queue(_ record: RecordKey) throws {
        let lane = transaction.draft.lanes[record.lane]
        guard record.packed <= lane.searched else { return }
        try transaction.table.queueForSearch(record)
    }
}
