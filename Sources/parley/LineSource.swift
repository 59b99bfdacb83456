import Glibc

/// Cuts a file into lines, of which none is held beyond a limit.
final class LineSource {
    struct Line {
        /// Without the line break.
        fileprivate(set) var bytes: [UInt8] = []
        /// Whether the line was longer than the limit and has lost its end.
        fileprivate(set) var isCut = false
    }

    private let descriptor: Int32
    private let name: String
    /// Size of the file, 0 where that isn't known.
    let byteCount: Int
    private(set) var bytesRead = 0
    private var buffer = [UInt8](repeating: 0, count: 256 * 1_024)
    private var unread = 0..<0

    /// - Parameter path: `-` is standard input.
    init(path: String) throws(CommandFailure) {
        descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        name = path == "-" ? "standard input" : "`\(path)`"
        var status = stat()
        byteCount = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
        guard descriptor >= 0 else {
            throw CommandFailure(
                Exit.refused,
                "cannot read \(name): no such file, or not readable. Check its path.")
        }
    }

    deinit {
        close(descriptor)
    }

    /// - Returns: `nil` at the end of the file; what follows the last line break is a line too.
    /// - Throws: where the system can't read on.
    func next(limit: Int) throws(CommandFailure) -> Line? {
        guard try fill() else { return nil }
        var line = Line()
        repeat {
            let end = buffer[unread].firstIndex(of: UInt8(ascii: "\n"))
            let piece = buffer[unread.lowerBound..<(end ?? unread.upperBound)]
            let room = limit - line.bytes.count
            line.bytes += piece.prefix(room)
            line.isCut = line.isCut || piece.count > room
            unread = (end.map { $0 + 1 } ?? unread.upperBound)..<unread.upperBound
            if end != nil { return line }
        } while try fill()
        return line
    }

    /// - Returns: whether there is something unread.
    private func fill() throws(CommandFailure) -> Bool {
        guard unread.isEmpty else { return true }
        var count = -1
        repeat {
            if Interruption.isRequested { throw Interruption.failure }
            count = read(descriptor, &buffer, buffer.count)
        } while count < 0 && errno == EINTR
        guard count >= 0 else {
            throw CommandFailure(
                Exit.refused,
                "cannot read \(name) on: \(String(cString: strerror(errno))). Check the file and "
                    + "its disk.")
        }
        bytesRead += count
        unread = 0..<count
        return count > 0
    }
}
