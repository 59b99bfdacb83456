import GRDB

/// Whether a file has the tables this program works with, each as it made it.
///
/// SQLite takes its table of contents as it stands: a bit that turns around in the name of a table
/// passes all its checks, and then whatever writes to that table fails for good.
struct FileTables {
    /// What a file's table of contents says of a table, an index or a trigger.
    private struct Entry: Equatable {
        let kind: String
        let table: String
        let definition: [Substring]
    }

    private let entries: [String: Entry]

    private init(_ db: Database) throws {
        let query = try Query(
            db,
            "SELECT name, type, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        let found = try query.all { row -> (String, Entry) in
            let definition = FileTables.words(of: row.text(3))
            return (
                row.text(0), Entry(kind: row.text(1), table: row.text(2), definition: definition)
            )
        }
        entries = Dictionary(found) { first, _ in first }
    }

    /// A definition without comments and line breaks, which change nothing.
    private static func words(of definition: String) -> [Substring] {
        definition.split(separator: "\n").flatMap { line in
            line.prefix(upTo: line.firstRange(of: "--")?.lowerBound ?? line.endIndex)
                .split(separator: " ")
        }
    }

    /// What isn't as it must be, in words; names no table that only a damaged file has.
    static func problems(_ db: Database) throws -> [String] {
        let found = try FileTables(db)
        // A table whose entries were all erased stays.
        let present = Set(found.entries.keys.filter(SearchIndex.isTable))
        let used = try SearchIndex.tables(db)
        guard used.count <= present.count + 16 else {
            return ["the search index has numbers it can't have come to"]
        }
        let expected = try FileTables(madeWith: present.union(used))
        return found.problems(comparedWith: expected)
    }

    /// Those of a new file.
    private init(madeWith searchTables: Set<String>) throws {
        self = try DatabaseQueue().inDatabase { db in
            try Schema.migrate(db)
            for table in searchTables { try SearchIndex(db: db).makeTable(table) }
            return try FileTables(db)
        }
    }

    private func problems(comparedWith expected: FileTables) -> [String] {
        var problems: [String] = []
        for (name, entry) in expected.entries.sorted(by: { $0.key < $1.key }) {
            switch entries[name] {
            case nil: problems.append("the \(entry.kind) \(name) is missing")
            case entry: continue
            default: problems.append("the \(entry.kind) \(name) isn't as it was made")
            }
        }
        let strange = entries.keys.count { expected.entries[$0] == nil }
        if strange > 0 { problems.append("tables or indexes that nobody made: \(strange)") }
        return problems
    }
}
