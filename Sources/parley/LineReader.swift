import Glibc

/// Reads a file of lines in chunks that fit a request, without holding the whole file.
///
/// A line that can't be handed on leaves an empty one in its place, which the node skips, and is
/// named among the chunk's refusals: its neighbours are none the worse for it.
package final class LineReader {
    package struct Chunk: Sendable {
        /// Counts from 1 within the file.
        package let firstLine: Int
        package fileprivate(set) var lines: [String] = []
        package fileprivate(set) var refused: [ImportAnswer.Refusal] = []

        package var range: ClosedRange<Int> { firstLine...firstLine + max(lines.count, 1) - 1 }
    }

    /// A chunk ends with the line that reaches one of these: few enough bytes for a frame of the
    /// control socket, enough lines for one transaction each, and as many as fill one batch.
    private static let chunkBytes = 512 * 1_024
    package static let chunkLines = 1_024
    /// A record of 128 KiB with every character escaped has less than half of this, and together
    /// with a chunk it still fits a frame.
    package static let lineBytes = 2 * 1_024 * 1_024

    private let source: LineSource
    let wanted: LineRanges
    private var nextLine = 1
    /// Whether all lines there are have been read.
    private(set) var isAtEnd = false
    /// Why the file can't be read on, until what came before has been returned.
    private var failure: CommandFailure?

    /// - Parameters:
    ///   - path: `-` is standard input.
    ///   - wanted: the lines to read; all others are skipped.
    /// - Throws: where there is no such file, or it can't be read.
    package init(path: String, wanted: LineRanges = .all) throws(CommandFailure) {
        source = try LineSource(path: path)
        self.wanted = wanted
    }

    /// Size of the file, 0 where that isn't known.
    var byteCount: Int { source.byteCount }
    var bytesRead: Int { source.bytesRead }
    /// The lines read so far, those skipped among them.
    var linesRead: Int { nextLine - 1 }

    /// - Returns: consecutive lines; `nil` at the end of the file.
    /// - Throws: where the file can't be read on; what comes before that line has been returned.
    package func next() throws(CommandFailure) -> Chunk? {
        if let failure { throw failure }
        try skipUnwanted()
        var chunk = Chunk(firstLine: nextLine)
        var bytes = 0
        while wanted.contains(nextLine), bytes < Self.chunkBytes,
            chunk.lines.count < Self.chunkLines
        {
            do throws(CommandFailure) {
                guard let line = try source.next(limit: Self.lineBytes) else {
                    isAtEnd = true
                    break
                }
                bytes += chunk.append(line)
                nextLine += 1
            } catch {
                failure = error
                guard !chunk.lines.isEmpty else { throw error }
                break
            }
        }
        return chunk.lines.isEmpty ? nil : chunk
    }

    private func skipUnwanted() throws(CommandFailure) {
        while nextLine < wanted.end, !wanted.contains(nextLine) {
            guard try source.next(limit: 0) != nil else {
                isAtEnd = true
                return
            }
            nextLine += 1
        }
    }
}

extension LineReader.Chunk {
    /// - Returns: how many bytes the line takes in a request.
    fileprivate mutating func append(_ line: LineSource.Line) -> Int {
        let byteCount = line.isCut ? Int.max : Self.escapedByteCount(of: line.bytes)
        let isTooLong = byteCount > LineReader.lineBytes
        if !isTooLong, let text = String(validating: line.bytes, as: UTF8.self) {
            lines.append(text)
            return byteCount
        }
        let error = isTooLong ? Self.tooLong : Self.notText
        refused.append(ImportAnswer.Refusal(line: firstLine + lines.count, error: error))
        lines.append("")
        return 0
    }

    private static let tooLong =
        "the line is longer than any record can be: 128 KiB. Split its longest text or make several "
        + "records."
    private static let notText =
        "the line isn't UTF-8 text. Convert the file, for example with `iconv -t UTF-8`, then "
        + "import this line again."

    /// As JSON inside a JSON string.
    private static func escapedByteCount(of bytes: [UInt8]) -> Int {
        bytes.reduce(into: 0) { count, byte in
            switch byte {
            case 0..<0x20: count += 6
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): count += 2
            default: count += 1
            }
        }
    }
}
