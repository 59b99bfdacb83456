import GRDB
import Glibc
import NIOConcurrencyHelpers

/// Notices where something is copied over a casebook's files while they are open: pages of two states
/// would mix, and nobody could tell before all of it is checked.
///
/// Nobody but its store writes to these files. A changed time alone means nothing as long as the page
/// that every commit changes still says what was left there.
final class FileWatch: Sendable {
    static let strayJournal = ".journal-"

    /// What a file's size and times say of it.
    private struct Stamp: Equatable {
        let inode: UInt64
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        /// - Returns: `nil` where there is no such file.
        init?(of path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            inode = UInt64(status.st_ino)
            size = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }

        func isSameFile(as other: Stamp) -> Bool { inode == other.inode && size == other.size }
    }

    private struct State {
        var file: Stamp?
        var log: Stamp?
        /// The page with the casebook's row, as it lies in the file.
        var page: [UInt8]?
        var isReplaced = false
        /// While the store itself copies the log back.
        var isCopying = false
    }

    private let path: String
    /// Of the file, kept open as long as the store: closing one ends every lock that this process has
    /// on the file, SQLite's too.
    private let descriptor: Int32
    private let state: NIOLockedValueBox<State>
    private var logPath: String { path + "-wal" }

    init(_ path: String) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        state = NIOLockedValueBox(State(file: Stamp(of: path), log: Stamp(of: path + "-wal")))
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Notes how the store has left the files. On the writing connection's queue.
    ///
    /// - Returns: whether nobody else has written to the file meanwhile; the store's own changes go to the
    ///   log.
    @discardableResult
    func note(_ db: Database) -> Bool { isLeft(db, hasLogged: true) }

    /// Whether nobody else has written to the files. On the writing connection's queue.
    func isUntouched(_ db: Database) -> Bool { isLeft(db, hasLogged: false) }

    /// Notes the file as it is now.
    func begin(_ db: Database) {
        let (file, log) = (Stamp(of: path), Stamp(of: logPath))
        state.withLockedValue { ($0.file, $0.log, $0.page) = (file, log, page(db)) }
    }

    /// Runs what copies the log back, unless the file isn't as it was left. On the writing connection's
    /// queue.
    ///
    /// - Returns: `nil` where somebody else has written to the file.
    func copying<Value>(_ db: Database, _ body: () throws -> Value) rethrows -> Value? {
        guard isUntouched(db) else { return nil }
        state.withLockedValue { $0.isCopying = true }
        defer {
            begin(db)
            state.withLockedValue { $0.isCopying = false }
        }
        return try body()
    }

    /// Whether the file looks as it was left. The writer can tell for sure.
    var looksUntouched: Bool {
        let file = Stamp(of: path)
        return state.withLockedValue { $0.isCopying || $0.file == file }
    }

    /// - Parameter hasLogged: whether the store has written to the log since it was last looked at.
    private func isLeft(_ db: Database, hasLogged: Bool) -> Bool {
        let (file, log) = (Stamp(of: path), Stamp(of: logPath))
        return state.withLockedValue { state in
            guard !state.isReplaced else { return false }
            let isOwnLog = hasLogged || state.log == log
            if isOwnLog, isSame(&state, file, db) {
                state.log = log
                return true
            }
            state.isReplaced = true
            // What is in it rests on the file that was there before. One that others have changed came with
            // the file.
            if isOwnLog { moveLogAside() }
            return false
        }
    }

    /// Whether the file is the one that was left; another time alone is noted.
    private func isSame(_ state: inout State, _ file: Stamp?, _ db: Database) -> Bool {
        if state.file == file { return true }
        guard let known = state.file, let file, known.isSameFile(as: file),
            let page = state.page, page == self.page(db)
        else { return false }
        state.file = file
        return true
    }

    // MARK: Files

    /// Keeps the log that is there under another name, so that no opening takes it for the new file's.
    private func moveLogAside() {
        let number = String(UInt32.random(in: .min ... .max), radix: 16)
        rename(logPath, path + FileWatch.strayJournal + number)
    }

    private func page(_ db: Database) -> [UInt8]? {
        let place = try? Query(
            db,
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'casebook'"
        ).first { ($0.int(0), $0.int(1)) }
        guard let (number, size) = place ?? nil else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        guard pread(descriptor, &bytes, size, (number - 1) * size) == size else { return nil }
        return bytes
    }
}
