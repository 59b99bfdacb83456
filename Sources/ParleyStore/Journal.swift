import GRDB
import GRDBSQLite

/// The write-ahead log of the writing connection, which it copies back into the file between
/// transactions.
///
/// SQLite would do so within a commit; then nobody could tell its writing to the file from that of others.
///
/// `@unchecked Sendable`: used on the writing connection's queue only.
final class Journal: @unchecked Sendable {
    /// Pages; 64 MiB before the log is copied back.
    private static let limit = 16_000

    /// As of the last commit.
    private var pages = 0

    /// Has SQLite tell how long the log is. It mustn't outlive this.
    func follow(_ db: Database) {
        sqlite3_wal_hook(
            db.sqliteConnection,
            { journal, _, _, pages in
                guard let journal else { return SQLITE_OK }
                Unmanaged<Journal>.fromOpaque(journal).takeUnretainedValue().pages = Int(pages)
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    var isLong: Bool { pages >= Journal.limit }

    /// Copies back what no reader's snapshot holds up, and waits for nobody.
    ///
    /// A failure is no matter: the next commit says how long the log is then.
    func copyBack(_ db: Database) {
        _ = try? db.pragma("wal_checkpoint(PASSIVE)")
        pages = 0
    }

    /// Copies all of it back and cuts it off.
    ///
    /// - Returns: whether that could be done; not while somebody reads an older snapshot.
    func cut(_ db: Database) throws -> Bool {
        try db.pragma("wal_checkpoint(TRUNCATE)") == "0"
    }
}
