import Glibc

/// What a file's size and times say of it. Nobody but its store writes to a casebook's files: where
/// they differ from what the store has left, something was copied over them.
struct FileStamp: Hashable, Sendable {
    private let inode: UInt64
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    /// - Returns: `nil` where there is no such file.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        inode = UInt64(status.st_ino)
        size = Int(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}

/// The stamps of a casebook's file and of its write-ahead log.
struct FileStamps: Hashable, Sendable {
    let file: FileStamp?
    private let log: FileStamp?

    init(of path: String) {
        file = FileStamp(of: path)
        log = FileStamp(of: path + "-wal")
    }

    /// Whether only the file is another one, so that the log that is there doesn't belong to it.
    func keepsLog(beside other: FileStamps) -> Bool { log == other.log }
}

/// Copies a file to one that nobody else may read.
///
/// - Returns: whether all of it is there.
func copyfile(_ path: String, to other: String) -> Bool {
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
