import GRDB

/// The words of records in full-text tables.
///
/// A table holds at most 20,000 records, because this SQLite keeps deleted words until a table is
/// rebuilt, and an erasure has to do that.
struct SearchIndex {
    static let tableSize: Int64 = 20_000
    /// More than this would be two thousand million records.
    private static let tableLimit: Int64 = 100_000

    let db: Database

    /// Adds entries for records, whether or not older states of them have some.
    func add(_ rows: [Indexer.Row]) throws {
        var entry = try SearchIndex.newest(db) ?? 0
        var words: [UInt8] = []
        for row in rows {
            entry += 1
            let note = try Query(db, "INSERT INTO search_entry (entry, n) VALUES (?1, ?2)")
            note.bind(1, entry)
            note.bind(2, row.key)
            try note.run()
            words.removeAll(keepingCapacity: true)
            for text in row.document.texts { SearchFolding.append(text.text, to: &words) }
            for side in row.otherSides { SearchFolding.append(side.text, to: &words) }
            let table = try table(for: entry)
            let insert = try Query(db, "INSERT INTO \(table) (rowid, words) VALUES (?1, ?2)")
            insert.bind(1, entry)
            insert.bind(2, text: words)
            try insert.run()
        }
    }

    /// The table an entry belongs to, made when its first one comes.
    ///
    /// Only whole words are looked for, so places of words within a text aren't kept. Marks are
    /// parts of words as in `SearchFolding`, or a word would be several to the table.
    private func table(for entry: Int64) throws -> String {
        let table = "search_\(entry / SearchIndex.tableSize)"
        if entry == 1 || entry % SearchIndex.tableSize == 0 {
            try makeTable(table)
        }
        return table
    }

    func makeTable(_ name: String) throws {
        try db.run(
            """
            CREATE VIRTUAL TABLE IF NOT EXISTS \(name) USING fts5 (
                words, content = '', detail = none,
                tokenize = "unicode61 remove_diacritics 0 categories 'L* N* Co Mn Mc'")
            """)
    }

    /// The tables there are, the newest first.
    static func tables(_ db: Database) throws -> [String] {
        guard let newest = try newest(db) else { return [] }
        return (0...newest / tableSize).reversed().map { "search_\($0)" }
    }

    private static func newest(_ db: Database) throws -> Int64? {
        let newest = try Query(db, "SELECT max(entry) FROM search_entry").first { row in
            row.isNull(0) ? nil : row.int64(0)
        }
        guard let newest, let newest else { return nil }
        guard (0..<tableSize * tableLimit).contains(newest) else {
            throw StoreError.damaged("the search index")
        }
        return newest
    }

    static func isTable(_ name: String) -> Bool {
        name.hasPrefix("search_") && Int64(name.dropFirst(7)) != nil
    }
}
