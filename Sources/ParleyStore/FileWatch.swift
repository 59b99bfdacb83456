import GRDB
import Glibc
import Synchronization

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

    private enum Standing {
        case untouched
        /// Another file is there, and the log that doesn't belong to it is out of the way, or couldn't
        /// be moved.
        case replaced(isLogAway: Bool)
        /// File and log were replaced together.
        case replacedWithLog
    }

    private struct State {
        var file: Stamp?
        var log: Stamp?
        /// The page with the casebook's row, as it lies in the file.
        var page: [UInt8]?
        var standing = Standing.untouched
    }

    private let path: String
    private let state: Mutex<State>
    private var logPath: String { path + "-wal" }

    init(_ path: String) {
        self.path = path
        state = Mutex(State(file: Stamp(of: path), log: Stamp(of: path + "-wal")))
    }

    /// Notes how the store has left the files. On the writing connection's queue.
    func note(_ db: Database) {
        let (file, log) = (Stamp(of: path), Stamp(of: logPath))
        state.withLock { state in
            guard case .untouched = state.standing else { return }
            // It changes when the log is copied back, which is rare.
            if state.page == nil || state.file != file { state.page = page(db) }
            (state.file, state.log) = (file, log)
        }
    }

    /// Whether the file looks as it was left. From another thread it may seem that it doesn't while
    /// the log is being copied back; the writer can tell for sure.
    var looksUntouched: Bool { state.withLock { $0.file } == Stamp(of: path) }

    /// Whether nobody else has written to the files. On the writing connection's queue.
    func isUntouched(_ db: Database) -> Bool {
        let (file, log) = (Stamp(of: path), Stamp(of: logPath))
        return state.withLock { state in
            guard case .untouched = state.standing else { return false }
            if state.file == file, state.log == log { return true }
            if let known = state.file, let file, known.isSameFile(as: file), state.log == log,
                let known = state.page, known == page(db)
            {
                state.file = file
                return true
            }
            state.standing =
                state.log == log ? .replaced(isLogAway: moveLogAside()) : .replacedWithLog
            return false
        }
    }

    /// Closes the file so that nothing of a log gets into another one's file.
    ///
    /// SQLite copies what it knows of the log back when the last connection closes, by what it
    /// remembers; with the log cut off it finds nothing and leaves the file alone.
    func closing(_ close: () throws -> Void) throws {
        switch state.withLock({ $0.standing }) {
        case .untouched, .replaced(isLogAway: true): try close()
        // Left open rather than mixed: the process is about to end.
        case .replaced(isLogAway: false): return
        case .replacedWithLog:
            let aside = freshPath
            guard copy(logPath, to: aside) else { return }
            truncate(logPath, 0)
            try? close()
            rename(aside, logPath)
        }
    }

    // MARK: Files

    private var freshPath: String {
        path + FileWatch.strayJournal + String(UInt32.random(in: .min ... .max), radix: 16)
    }

    /// - Returns: whether the log that is there is out of SQLite's sight, and kept.
    private func moveLogAside() -> Bool {
        guard Stamp(of: logPath) != nil else { return true }
        let aside = freshPath
        guard copy(logPath, to: aside) else {
            unlink(aside)
            // Kept under another name at least, so that no opening takes it for the file's.
            rename(logPath, aside)
            return false
        }
        return truncate(logPath, 0) == 0
    }

    private func page(_ db: Database) -> [UInt8]? {
        let place = try? Query(
            db,
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'casebook'"
        ).first { ($0.int(0), $0.int(1)) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard let (number, size) = place ?? nil, descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: size)
        guard pread(descriptor, &bytes, size, (number - 1) * size) == size else { return nil }
        return bytes
    }

    /// Copies a file to one that nobody else may read.
    ///
    /// - Returns: whether all of it is there.
    private func copy(_ path: String, to other: String) -> Bool {
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { return false }
        defer { close(source) }
        let target = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard target >= 0 else { return false }
        defer { close(target) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(source, &buffer, buffer.count)
            guard count > 0 else { return count == 0 && fsync(target) == 0 }
            guard write(target, buffer, count) == count else { return false }
        }
    }
}
