import Foundation
import GRDB
import GRDBSQLite
import Glibc
import ParleyCRDT

/// Opens the database file with the settings that "stored" means here.
enum Connection {
    /// `unix-excl` keeps the index of the write-ahead log in memory: the usual shared mapping
    /// kills the process on a full disk. It is made the default once, before the first open.
    private static let virtualFileSystem: Int32 = {
        #if DEBUG
            if PlantedDefect.sharedIndex.isPlanted { return SQLITE_OK }
        #endif
        guard let exclusive = sqlite3_vfs_find("unix-excl") else { return SQLITE_ERROR }
        return sqlite3_vfs_register(exclusive, 1)
    }()

    /// What is set, and must read back so, on the writing connection.
    private static let settings = [
        ("journal_mode", "wal"), ("synchronous", "2"), ("secure_delete", "1"),
        ("temp_store", "2"), ("mmap_size", "0"), ("trusted_schema", "0"),
        ("cell_size_check", "1"), ("foreign_keys", "1"),
        ("wal_autocheckpoint", "0"),
    ]

    /// Opens or creates a file, sets it up and brings its tables up to date.
    ///
    /// A write-ahead log that was left behind is copied back at once, after it was made sure that
    /// all of it is on the disk.
    ///
    /// - Parameter creating: whether a file that isn't there is made, or is an error.
    /// - Throws: `setting` where a setting doesn't read back, `newerFormat`, `damaged`, `full`.
    static func open(path: String, creating: Bool) throws -> DatabasePool {
        guard virtualFileSystem == SQLITE_OK else {
            throw StoreError.setting("vfs", expected: "unix-excl", found: "none")
        }
        let isNew = !FileManager.default.fileExists(atPath: path)
        guard creating || !isNew else { throw StoreError.damaged("there is no such file") }
        if isNew { try createFile(at: path) }
        let leftover = LeftoverLog(besides: path)
        try leftover?.secure()
        var configuration = Configuration()
        configuration.label = "casebook"
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(5)
        // Behind those who read: somebody waits for what they show, and most of what is written is
        // taken in from others.
        configuration.writeTargetQueue = DispatchQueue(label: "casebook.writer", qos: .default)
        configuration.prepareDatabase { db in
            try setCopiesOnClosing(db, false)
            try prepare(db)
        }
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            do {
                try pool.writeWithoutTransaction { db in
                    try setUpWriter(db)
                    // Pages that only the system's cache may hold are written and synced again.
                    if leftover != nil { _ = try db.pragma("wal_checkpoint(TRUNCATE)") }
                    try Schema.migrate(db)
                }
                if isNew { try synchroniseFolder(of: path) }
                return pool
            } catch {
                // Not left to the last reference: it may be tried again at once.
                try? pool.close()
                throw error
            }
        } catch {
            throw StoreError.translating(error)
        }
    }

    /// Another connection to a file that is open, only for reading.
    static func openForChecking(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "check"
        configuration.readonly = true
        configuration.prepareDatabase { try prepare($0) }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// A new file that is filled from another and read only after it is closed.
    static func openForCopying(to path: String) throws -> DatabaseQueue {
        try createFile(at: path)
        var configuration = Configuration()
        configuration.label = "copy"
        configuration.prepareDatabase { db in
            try prepare(db)
            try db.run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Whether SQLite copies the write-ahead log back when it closes the last connection.
    ///
    /// It doesn't unless asked to: after a commit that failed, or under a file that was replaced,
    /// what it knows of the log must not get into the file.
    static func setCopiesOnClosing(_ db: Database, _ copies: Bool) throws {
        // Swift can't call a function of variable arguments. Those of this one are passed as if they
        // were fixed on every Linux we build for, none being a floating-point number.
        typealias Configure =
            @convention(c) (OpaquePointer?, Int32, Int32, UnsafeMutablePointer<Int32>?) -> Int32
        let wanted: Int32 = copies ? 0 : 1
        var found: Int32 = -1
        if let symbol = dlsym(nil, "sqlite3_db_config") {
            let call = unsafeBitCast(symbol, to: Configure.self)
            _ = call(db.sqliteConnection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted, &found)
        }
        guard found == wanted else {
            throw StoreError.setting(
                "no_ckpt_on_close", expected: "\(wanted)", found: "\(found)")
        }
    }

    /// Settings of every connection.
    private static func prepare(_ db: Database) throws {
        try db.run(
            """
            PRAGMA temp_store = MEMORY;
            PRAGMA mmap_size = 0;
            PRAGMA trusted_schema = OFF;
            PRAGMA cell_size_check = ON;
            PRAGMA foreign_keys = ON;
            PRAGMA cache_size = -2000;
            """)
    }

    /// GRDB sets `synchronous=NORMAL` together with the write-ahead log, so this comes after.
    private static func setUpWriter(_ db: Database) throws {
        try db.run(
            """
            PRAGMA synchronous = FULL;
            PRAGMA secure_delete = ON;
            PRAGMA cache_size = -16000;
            PRAGMA wal_autocheckpoint = 0;
            """)
        #if DEBUG
            // After the settings were read back, so that only what follows from it can tell.
            defer {
                if PlantedDefect.lazySync.isPlanted { try? db.run("PRAGMA synchronous = NORMAL") }
            }
        #endif
        for (name, expected) in settings {
            let found = try db.pragma(name)
            guard found == expected else {
                throw StoreError.setting(name, expected: expected, found: found)
            }
        }
    }

    /// What the connection says of each setting now.
    static func currentSettings(_ db: Database) throws -> [(name: String, value: String)] {
        try settings.map { ($0.0, try db.pragma($0.0)) }
    }

    /// Readable by its owner only, from the first moment on.
    private static func createFile(at path: String) throws {
        let descriptor = Glibc.open(path, O_CREAT | O_EXCL | O_RDWR, 0o600)
        guard descriptor >= 0 else { throw StoreError.systemCall("create", errno) }
        Glibc.close(descriptor)
    }

    /// SQLite ignores a failed sync of the folder, so the store does it itself and looks.
    static func synchroniseFolder(of path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        let descriptor = Glibc.open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY)
        guard descriptor >= 0 else { throw StoreError.systemCall("open folder", errno) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StoreError.systemCall("sync folder", errno) }
    }
}

extension StoreError {
    /// A failed call outside SQLite.
    static func systemCall(_ name: String, _ number: Int32) -> StoreError {
        number == ENOSPC || number == EDQUOT
            ? .full
            : .database(code: number, message: "\(name): \(String(cString: strerror(number)))")
    }
}
