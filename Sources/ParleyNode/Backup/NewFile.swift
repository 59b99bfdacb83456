import Glibc

/// A file of 0600 that appears under its name whole and durable, or not at all.
final class NewFile {
    private let path: String
    private let temporary: String
    private let descriptor: Int32
    private var isFinished = false

    /// - Throws: where nothing can be written beside `path`.
    init(_ path: String) throws(PrivateFile.Failure) {
        var template = Array((path + ".XXXXXX").utf8CString)
        // `mkstemp` makes it 0600, whatever the umask.
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw PrivateFile.Failure(number: errno) }
        self.path = path
        temporary = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        close(descriptor)
        if !isFinished { unlink(temporary) }
    }

    func write(_ bytes: [UInt8]) throws(PrivateFile.Failure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw PrivateFile.Failure(number: errno) }
            written += count
        }
    }

    /// Gives it its name.
    ///
    /// - Parameter replacing: whether a file of that name may go.
    /// - Throws: `EEXIST` where there is one and it may not.
    func finish(replacing: Bool) throws(PrivateFile.Failure) {
        guard fsync(descriptor) == 0 else { throw PrivateFile.Failure(number: errno) }
        guard replacing || access(path, F_OK) != 0 else {
            throw PrivateFile.Failure(number: EEXIST)
        }
        guard rename(temporary, path) == 0 else { throw PrivateFile.Failure(number: errno) }
        isFinished = true
        try PrivateFile.keepName(of: path)
    }
}
