import GRDB
import GRDBSQLite

/// A prepared statement with plain binds and columns.
///
/// GRDB keeps the statement; values go through SQLite's own functions, because GRDB's arguments
/// and `Data` columns cost 7 to 50 % on the paths that matter. Parameters count from 1, columns
/// from 0, as in SQLite. A query is never used inside its own `each`.
struct Query {
    private let db: Database
    private let handle: OpaquePointer

    init(_ db: Database, _ sql: String) throws {
        self.db = db
        handle = try db.cachedStatement(sql: sql).sqliteStatement
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    // MARK: Parameters

    func bind(_ index: Int32, _ value: Int64) {
        sqlite3_bind_int64(handle, index, value)
    }

    func bind(_ index: Int32, _ value: Int) {
        bind(index, Int64(value))
    }

    /// Numbers above 2^63 keep their bits and read back the same.
    func bind(_ index: Int32, _ value: UInt64) {
        bind(index, Int64(bitPattern: value))
    }

    func bindNull(_ index: Int32) {
        sqlite3_bind_null(handle, index)
    }

    func bind(_ index: Int32, blob: [UInt8]) {
        // SQLite takes a null pointer, which an empty array may have, for NULL.
        guard !blob.isEmpty else {
            sqlite3_bind_zeroblob(handle, index, 0)
            return
        }
        blob.withUnsafeBytes { bytes in
            _ = sqlite3_bind_blob64(
                handle, index, bytes.baseAddress, UInt64(bytes.count), Query.copied)
        }
    }

    func bind(_ index: Int32, text: [UInt8]) {
        guard !text.isEmpty else {
            sqlite3_bind_text(handle, index, "", 0, Query.copied)
            return
        }
        text.withUnsafeBytes { bytes in
            _ = sqlite3_bind_text64(
                handle, index, bytes.assumingMemoryBound(to: CChar.self).baseAddress,
                UInt64(bytes.count), Query.copied, UInt8(SQLITE_UTF8))
        }
    }

    func bind(_ index: Int32, text: String) {
        bind(index, text: Array(text.utf8))
    }

    /// SQLITE_TRANSIENT, a cast that Swift's importer leaves out: SQLite makes its own copy.
    private static var copied: sqlite3_destructor_type {
        unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }

    // MARK: Running

    /// Runs a statement that returns no rows.
    func run() throws {
        defer { sqlite3_reset(handle) }
        while try step() {}
    }

    /// The value made of the first row, `nil` without rows.
    func first<Value>(_ body: (Query) throws -> Value) throws -> Value? {
        defer { sqlite3_reset(handle) }
        return try step() ? try body(self) : nil
    }

    /// The values made of all rows.
    func all<Value>(_ body: (Query) throws -> Value) throws -> [Value] {
        defer { sqlite3_reset(handle) }
        var values: [Value] = []
        while try step() { values.append(try body(self)) }
        return values
    }

    /// Visits rows until `body` returns false.
    func each(while body: (Query) throws -> Bool) throws {
        defer { sqlite3_reset(handle) }
        while try step() {
            guard try body(self) else { return }
        }
    }

    private func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw StoreError.current(db, code: code)
        }
    }

    // MARK: Columns of the current row

    func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func int(_ column: Int32) -> Int { Int(int64(column)) }
    func word(_ column: Int32) -> UInt64 { UInt64(bitPattern: int64(column)) }

    func isNull(_ column: Int32) -> Bool {
        sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    /// The bytes of a blob or text.
    func bytes(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(sqlite3_column_bytes(handle, column))
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    func text(_ column: Int32) -> String {
        String(decoding: bytes(column), as: UTF8.self)
    }
}

extension Database {
    /// Runs SQL that takes no parameters, several statements if need be.
    func run(_ sql: String) throws {
        let code = sqlite3_exec(sqliteConnection, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw StoreError.current(self, code: code) }
    }

    /// The single value of a PRAGMA, as text.
    func pragma(_ name: String) throws -> String {
        try Query(self, "PRAGMA \(name)").first { $0.text(0) } ?? ""
    }
}
