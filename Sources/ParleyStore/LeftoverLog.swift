import Glibc

/// A write-ahead log that was left behind: closing in order takes it away.
///
/// After a sync that failed, its last frames may lie in the system's cache and nowhere else. Linux
/// counts them as written all the same, and the next sync says that all is well. SQLite would take
/// them for committed and copy their pages into the file; were that cut off and the cache lost, half
/// of a change would be there and the other half nowhere. Writing the log over itself isn't enough:
/// what says which blocks are its own may be lost with them. So its bytes, as they are read now, go
/// to a new file that takes its place once it is on the disk.
struct LeftoverLog {
    private let store: String
    private var path: String { store + "-wal" }
    /// Begins like an unfinished casebook, so that it is cleared away like one.
    private var copyPath: String { store + CasebookStore.unfinishedSuffix + "-wal" }

    /// - Returns: `nil` where the file was closed in order.
    init?(besides store: String) {
        self.store = store
        var status = stat()
        guard stat(store + "-wal", &status) == 0, status.st_size > 0 else { return nil }
    }

    /// Makes sure that all of it that can be read is on the disk. Before SQLite opens the file, and
    /// while no process has it open: the caller holds the home's lock.
    ///
    /// Needs as much room as the log takes; without, it stays as it is. It can't be told from here
    /// whether a sync has failed, so there is no way of doing without.
    ///
    /// - Throws: `full`, or `database` with the number of the error; the file must not be opened then.
    func secure() throws {
        unlink(copyPath)
        do {
            try copy()
            guard rename(copyPath, path) == 0 else {
                throw StoreError.systemCall("rename log", errno)
            }
        } catch {
            unlink(copyPath)
            throw error
        }
        try Connection.synchroniseFolder(of: store)
    }

    private func copy() throws {
        let source = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard source >= 0 else { throw StoreError.systemCall("open log", errno) }
        defer { close(source) }
        let target = open(copyPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard target >= 0 else { throw StoreError.systemCall("create log", errno) }
        defer { close(target) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(source, &buffer, buffer.count)
            guard count >= 0 else { throw StoreError.systemCall("read log", errno) }
            guard count > 0 else { break }
            try write(buffer[..<count], to: target)
        }
        guard fsync(target) == 0 else { throw StoreError.systemCall("sync log", errno) }
    }

    /// The last write before a full disk may take a part only.
    private func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw StoreError.systemCall("write log", errno) }
            rest = rest.dropFirst(count)
        }
    }
}
