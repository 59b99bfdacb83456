import Glibc

/// A small file that only its owner may read.
enum PrivateFile {
    /// A call that failed, by its error number.
    struct Failure: Error {
        let number: Int32
    }

    /// Writes a file of 0600 whole or not at all.
    ///
    /// - Parameter isDurable: waits until it is on the disk, its name included.
    static func write(
        _ bytes: [UInt8], to path: String, isDurable: Bool
    ) throws(Failure) {
        let temporary = path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(number: errno) }
        let isWritten =
            bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) } == bytes.count
        let isSynced = isWritten && (!isDurable || fsync(file) == 0)
        let failure = Failure(number: errno)
        close(file)
        guard isSynced else {
            unlink(temporary)
            throw failure
        }
        guard rename(temporary, path) == 0 else { throw Failure(number: errno) }
        if isDurable { try synchroniseFolder(of: path) }
    }

    /// Makes names in the folder of `path` durable.
    static func synchroniseFolder(of path: String) throws(Failure) {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let folder = open(
            end == path.startIndex ? "/" : String(path[..<end]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw Failure(number: errno) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw Failure(number: errno) }
    }
}
