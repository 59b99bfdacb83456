import FoundationEssentials
import ParleyTestSupport
import Testing
import parley

/// Every line of a file is handed on or refused by its number; none is lost.
@Suite struct LineReaderTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    private func chunks(
        of bytes: [UInt8], wanted: LineRanges = .all
    ) throws -> [LineReader.Chunk] {
        let path = "\(workplace.path)/lines"
        try Data(bytes).write(to: URL(filePath: path))
        let reader = try LineReader(path: path, wanted: wanted)
        var chunks: [LineReader.Chunk] = []
        while let chunk = try reader.next() { chunks.append(chunk) }
        return chunks
    }

    @Test func aLineThatIsNoTextCostsNoOther() throws {
        let chunk = try #require(
            try chunks(of: Array("one\n".utf8) + [0xff, 0xfe, 0x0a] + Array("three".utf8)).first)
        #expect(chunk.lines == ["one", "", "three"])
        #expect(chunk.refused.map(\.line) == [2])
        #expect(chunk.refused[0].error.contains("UTF-8"))
    }

    @Test(arguments: [-1, 0, 1])
    func aLineHasALimit(excess: Int) throws {
        let long = [UInt8](repeating: 0x78, count: LineReader.lineBytes + excess)
        let chunks = try chunks(of: Array("one\n".utf8) + long + Array("\nthree\n".utf8))
        #expect(chunks.flatMap(\.refused).map(\.line) == (excess > 0 ? [2] : []))
        #expect(chunks.flatMap(\.lines).count == 3)
        #expect(chunks.last?.lines.last == "three")
    }

    /// Quotes and backslashes double on their way, control characters take six bytes.
    @Test func theLimitCountsALineAsItTravels() throws {
        let quotes = [UInt8](repeating: 0x22, count: LineReader.lineBytes / 2 + 1)
        #expect(try chunks(of: quotes).flatMap(\.refused).map(\.line) == [1])
    }

    @Test func chunksFollowEachOther() throws {
        let size = LineReader.chunkLines
        let count = 2 * size + 1
        let text = (1...count).map { "\($0)" }.joined(separator: "\n")
        let chunks = try chunks(of: Array(text.utf8))
        #expect(chunks.map(\.range) == [1...size, size + 1...2 * size, count...count])
        #expect(chunks.flatMap(\.lines) == (1...count).map { "\($0)" })
    }

    @Test func onlyWantedLinesAreRead() throws {
        let wanted = try #require(LineRanges(argument: "2-3,5,7-"))
        let chunks = try chunks(of: Array("1\n2\n3\n4\n5\n6\n7\n8\n".utf8), wanted: wanted)
        #expect(chunks.map(\.range) == [2...3, 5...5, 7...8])
        #expect(chunks.flatMap(\.lines) == ["2", "3", "5", "7", "8"])
        #expect(try self.chunks(of: Array("1\n".utf8), wanted: wanted).isEmpty)
    }

    @Test func whatIsNoFileOfLinesIsRefused() throws {
        #expect(throws: CommandFailure.self) { try LineReader(path: "/nowhere") }
        #expect(throws: CommandFailure.self) { try LineReader(path: "/tmp").next() }
    }

    @Test(arguments: ["1-", "2001-4000,6001-", "7", "1-2,4"])
    func rangesReadAsTheyAreWritten(text: String) {
        #expect(LineRanges(argument: text)?.description == text)
    }

    @Test(arguments: ["", "0-", "4-2", "-4", "1-3,2-", "x", "1-2-3", "3,", "1-,5"])
    func rangesInDisorderAreRefused(text: String) {
        #expect(LineRanges(argument: text) == nil)
    }
}
