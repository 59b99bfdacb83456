import Foundation
import GRDBSQLite
import ParleyTestSupport
import ParleyWorkload

/// What SQLite itself costs for the rows of one cold sync: a log row and a record row each, in
/// order of arrival, with an index on random 16-byte IDs, durable, and the store's own cache,
/// checkpoint and transaction sizes. No merging, no network, no history that could be verified.
struct SQLiteFloor {
    /// Until everything was committed with `synchronous=FULL`.
    let intakeSeconds: Double
    /// Single edits, a commit each.
    let editsPerSecond: Double

    private static let recordsPerTransaction = 8 * 1_024
    private static let settings = """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA cache_size = -16000;
        PRAGMA wal_autocheckpoint = 16000;
        """
    private static let tables = """
        CREATE TABLE log (seq INTEGER PRIMARY KEY, origin INTEGER, time INTEGER, id BLOB, body BLOB);
        CREATE TABLE record (
            n INTEGER PRIMARY KEY, origin INTEGER, seq INTEGER, time INTEGER, id BLOB, body BLOB);
        CREATE UNIQUE INDEX record_id ON record (id);
        """

    /// Stores that many records of the workload, then edits a thousand of them.
    static func measure(records: Int, in folder: URL) throws -> SQLiteFloor {
        var bodies: [[UInt8]] = []
        bodies.reserveCapacity(records)
        for values in Workload().records(records) {
            bodies.append(Array(Workload.json(values).utf8))
        }
        let database = try SQLite(path: folder.appending(path: "floor.sqlite").path)
        try database.execute(settings)
        try database.execute(tables)
        let intake = try Stopwatch.seconds { try fill(database, with: bodies) }
        let count = 1_000
        let edits = try Stopwatch.seconds { try edit(database, times: count, bodies: bodies) }
        return SQLiteFloor(intakeSeconds: intake, editsPerSecond: Double(count) / edits)
    }

    private static func fill(_ database: SQLite, with bodies: [[UInt8]]) throws {
        var random = SeededGenerator(seed: 7)
        let log = try database.prepare("INSERT INTO log VALUES (?, 1, ?, ?, ?)")
        let record = try database.prepare("INSERT INTO record VALUES (?, 1, ?, ?, ?, ?)")
        for start in stride(from: 0, to: bodies.count, by: recordsPerTransaction) {
            try database.execute("BEGIN IMMEDIATE")
            for index in start..<min(start + recordsPerTransaction, bodies.count) {
                let id = randomID(&random)
                try log.run([.number(index + 1), .number(index), .blob(id), .blob(bodies[index])])
                try record.run([
                    .number(index + 1), .number(index + 1), .number(index), .blob(id),
                    .blob(bodies[index]),
                ])
            }
            try database.execute("COMMIT")
        }
    }

    private static func edit(_ database: SQLite, times: Int, bodies: [[UInt8]]) throws {
        let update = try database.prepare(
            "UPDATE record SET seq = ?, time = ?, body = ? WHERE n = ?")
        let log = try database.prepare("INSERT INTO log VALUES (?, 2, ?, ?, ?)")
        let count = bodies.count
        for number in 0..<times {
            let index = number * 7_919 % count
            let value = Array(bodies[index].prefix(40))
            try database.execute("BEGIN IMMEDIATE")
            try update.run([
                .number(number), .number(count + number), .blob(bodies[index]), .number(index + 1),
            ])
            try log.run([
                .number(count + number + 1), .number(count + number), .blob([1, 2, 3]),
                .blob(value),
            ])
            try database.execute("COMMIT")
        }
    }

    private static func randomID(_ random: inout SeededGenerator) -> [UInt8] {
        (0..<2).flatMap { _ in
            let word = random.next()
            return (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
        }
    }
}

/// As little as possible above SQLite's C interface.
private final class SQLite {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private var handle: OpaquePointer?

    init(path: String) throws {
        guard sqlite3_open(path, &handle) == SQLITE_OK else { throw failure("open \(path)") }
    }

    deinit {
        sqlite3_close_v2(handle)
    }

    func execute(_ statements: String) throws {
        guard sqlite3_exec(handle, statements, nil, nil, nil) == SQLITE_OK else {
            throw failure(statements)
        }
    }

    func prepare(_ text: String) throws -> Statement {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, text, -1, &statement, nil) == SQLITE_OK, let statement
        else { throw failure(text) }
        return Statement(statement)
    }

    private func failure(_ what: String) -> Failure {
        Failure(description: "\(what): \(String(cString: sqlite3_errmsg(handle)))")
    }

    final class Statement {
        enum Argument {
            case number(Int)
            case blob([UInt8])
        }

        private let handle: OpaquePointer

        init(_ handle: OpaquePointer) {
            self.handle = handle
        }

        deinit {
            sqlite3_finalize(handle)
        }

        func run(_ arguments: [Argument]) throws {
            // SQLITE_TRANSIENT: SQLite copies before the array is gone.
            let copying = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
            for (position, argument) in zip(Int32(1)..., arguments) {
                switch argument {
                case .number(let number):
                    sqlite3_bind_int64(handle, position, Int64(number))
                case .blob(let bytes):
                    sqlite3_bind_blob(handle, position, bytes, Int32(bytes.count), copying)
                }
            }
            guard sqlite3_step(handle) == SQLITE_DONE else {
                throw Failure(description: "a statement of the floor failed")
            }
            sqlite3_reset(handle)
        }
    }
}
