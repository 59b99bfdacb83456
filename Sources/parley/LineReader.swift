import Glibc

/// Reads a file of lines in chunks that fit a request, without holding the whole file.
package final class LineReader {
    package struct Chunk: Equatable {
        /// Counts from 1 within the file.
        package let firstLine: Int
        package let lines: [String]
    }

    /// A chunk ends with the line that reaches one of these: few enough bytes for a frame of the
    /// control socket once they are escaped in JSON, enough lines for one transaction each.
    private static let chunkBytes = 512 * 1_024
    private static let chunkLines = 2_000

    private let file: UnsafeMutablePointer<FILE>
    /// Size of the file, 0 where that isn't known.
    let byteCount: Int
    private(set) var bytesRead = 0
    private var nextLine = 1

    /// - Parameter path: `-` is standard input.
    package init?(path: String) {
        guard
            let file = path == "-" ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re")
        else { return nil }
        self.file = file
        var status = stat()
        byteCount = fstat(fileno(file), &status) == 0 ? Int(status.st_size) : 0
    }

    deinit {
        fclose(file)
    }

    /// - Returns: `nil` at the end of the file.
    package func next() throws -> Chunk? {
        let firstLine = nextLine
        var lines: [String] = []
        var bytes = 0
        while lines.count < Self.chunkLines, bytes < Self.chunkBytes, let line = try readLine() {
            bytes += line.utf8.count
            lines.append(line)
        }
        return lines.isEmpty ? nil : Chunk(firstLine: firstLine, lines: lines)
    }

    private func readLine() throws -> String? {
        var buffer: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(buffer) }
        let count = getline(&buffer, &capacity, file)
        guard count > 0, let buffer else { return nil }
        bytesRead += count
        defer { nextLine += 1 }
        let isTerminated = buffer[count - 1] == CChar(bitPattern: UInt8(ascii: "\n"))
        let bytes = UnsafeRawBufferPointer(start: buffer, count: count - (isTerminated ? 1 : 0))
        guard let line = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure(
                Exit.refused,
                "cannot import line \(nextLine): it isn't UTF-8 text. Convert the file, then import "
                    + "it from that line on.")
        }
        return line
    }
}
