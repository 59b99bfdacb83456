import Glibc

/// A small file that only its owner may read.
enum PrivateFile {
    /// What a file is called until it is whole.
    static let unfinishedSuffix = ".new"

    /// A call that failed, by its error number.
    struct Failure: Error {
        let number: Int32
        /// Whether the new file has its name all the same, and only whether it keeps that through a
        /// power cut isn't known.
        var isInPlace = false
    }

    /// Writes a file of 0600 whole or not at all.
    ///
    /// - Parameter isDurable: waits until it is on the disk, its name included.
    static func write(
        _ bytes: [UInt8], to path: String, isDurable: Bool
    ) throws(Failure) {
        let temporary = path + unfinishedSuffix
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
        if isDurable { try keepName(of: path) }
    }

    /// Writes over what a file of 0600 says, without waiting for the disk. Whatever ends the process
    /// meanwhile may leave a mixture of both.
    static func overwrite(_ path: String, with bytes: [UInt8]) throws(Failure) {
        let file = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(number: errno) }
        defer { close(file) }
        var status = stat()
        guard pwrite(file, bytes, bytes.count, 0) == bytes.count, fstat(file, &status) == 0,
            status.st_size == bytes.count || ftruncate(file, off_t(bytes.count)) == 0
        else { throw Failure(number: errno) }
    }

    /// Makes durable that a file has got its name.
    static func keepName(of path: String) throws(Failure) {
        do {
            try synchroniseFolder(of: path)
        } catch {
            throw Failure(number: error.number, isInPlace: true)
        }
    }

    /// Overwrites and removes a file.
    ///
    /// - Parameter other: a file that stays as it is, even where both are names of one.
    static func wipe(_ path: String, unlessSameAs other: String) {
        let file = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        var (status, kept) = (stat(), stat())
        let isOther =
            fstat(file, &status) == 0 && lstat(other, &kept) == 0
            && (status.st_dev, status.st_ino) != (kept.st_dev, kept.st_ino)
        if isOther {
            let nothing = [UInt8](repeating: 0, count: Int(status.st_size))
            _ = pwrite(file, nothing, nothing.count, 0)
            fsync(file)
        }
        unlink(path)
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
