import FoundationEssentials
import Glibc
import ParleyControl
import ParleyTestSupport
import Testing
import parley

/// Lines in a chunk.
private let size = LineReader.chunkLines

/// An import over a control socket, in chunks of lines: whatever happens, the person knows
/// which lines are in.
@Suite struct ImportTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    private func note(_ number: Int) -> String {
        #"{"type":"note","fields":{"title":"note \#(number)"}}"#
    }

    /// A file of notes, one a line, with other lines in the place of some.
    private func file(_ count: Int, replacing others: [Int: [UInt8]] = [:]) throws -> String {
        let path = "\(workplace.path)/notes.jsonl"
        let lines = (1...count).map { others[$0] ?? Array(note($0).utf8) }
        try Data(lines.joined(separator: [0x0a])).write(to: URL(filePath: path))
        return path
    }

    private func titles(on node: TestNode) throws -> Set<String> {
        Set(try node.answer("list", "--limit", "0", as: [Listed].self).map(\.title))
    }

    @Test(arguments: [false, true])
    func linesThatCannotBeHandedOnAreNamedAndTheOthersGoIn(withDaemon: Bool) throws {
        let node = TestNode.founder("amal", in: workplace)
        if withDaemon { try node.start() }
        let path = try file(
            5_000,
            replacing: [
                2_500: [0xff, 0xfe], 3_000: Array(repeating: 0x78, count: 3 << 20),
                4_999: Array("nonsense".utf8),
            ])
        let result = node.parley("import", path, "--json", exits: 1)
        let answer = try JSONDecoder().decode(ImportAnswer.self, from: Data(result.output.utf8))
        #expect(answer.created == 4_997)
        #expect(answer.refused.map(\.line) == [2_500, 3_000, 4_999])
        let expected = Set((1...5_000).map { "note \($0)" })
            .subtracting(["note 2500", "note 3000", "note 4999"])
        #expect(try titles(on: node) == expected)
    }

    @Test(arguments: [false, true])
    func theLastRecordIsTheOneImportedLast(withDaemon: Bool) throws {
        let node = TestNode.founder("amal", in: workplace)
        if withDaemon { try node.start() }
        let path = try file(4_500, replacing: [4_500: Array("nonsense".utf8)])
        node.parley("import", path, exits: 1)
        let shown: Shown = try node.answer("show", "@last")
        #expect(shown.fields["title"] == .text("note 4499"))
    }

    @Test func onlyTheLinesAskedForGoIn() throws {
        let node = TestNode.founder("amal", in: workplace)
        let path = try file(9)
        #expect(node.parley("import", path, "--lines", "2-3,8-").output == "4 records created\n")
        #expect(try titles(on: node) == ["note 2", "note 3", "note 8", "note 9"])
    }

    @Test(arguments: [false, true])
    func aRehearsalFindsWhatIsWrongAndWritesNothing(withDaemon: Bool) throws {
        let node = TestNode.founder("amal", in: workplace)
        if withDaemon { try node.start() }
        let path = try file(4_500, replacing: [4_400: Array("nonsense".utf8), 7: [0xff]])
        let result = node.parley("import", path, "--dry-run", exits: 1)
        #expect(
            result.output.hasPrefix("4498 records would be created, 2 lines refused\n  line 7: "))
        #expect(result.output.contains("\n  line 4400: "))
        #expect(try node.standing().records == 0)
        #expect(try node.answer("log", as: [Logged].self).count == 1, "only the founding")
    }

    /// Ctrl-C while the second chunk is with the node: what is under way is waited for, then nothing
    /// more is sent, and the account says where to go on.
    @Test func ctrlCEndsBetweenChunksAndSaysHowToGoOn() async throws {
        let path = try file(60_000)
        let home = "\(workplace.path)/scripted"
        let asked = ChildProcess.pipe()
        let (interrupted, interrupt) = AsyncStream.makeStream(of: Void.self)
        let result = try await ScriptedDaemon.serve(at: home) { envelope, reply, _ in
            guard case .importLines(let first, let lines) = envelope.request else { return }
            if first == size + 1 {
                write(asked.writing, "\n", 1)
                for await _ in interrupted {}
            }
            try? await reply.send(Self.created(lines.count))
        } while: {
            let child = ChildProcess(
                "\(Workplace.programs)/parley", ["import", path, "--json"],
                variables: Workplace.variables(home: home), folder: "/tmp")
            _ = TestNode.line(from: asked.reading)
            child.send(SIGINT)
            while child.catches(SIGINT) { sched_yield() }
            interrupt.finish()
            return child.wait()
        }
        for end in [asked.reading, asked.writing] { close(end) }
        #expect(result.exitCode == 130)
        let answer = try JSONDecoder().decode(ImportAnswer.self, from: Data(result.output.utf8))
        #expect(answer.created >= 2 * size && answer.created < 60_000)
        #expect(answer.missing == "\(answer.created + 1)-" && answer.unknown == "")
        #expect(
            result.errors.contains("`parley import \(path) --lines \(answer.created + 1)-` goes on")
        )
    }

    private static func created(_ count: Int) -> Response {
        Response(json: #"{"created":\#(count),"changed":0,"refused":[]}"#)
    }

    /// The disk is full for the second of four chunks; the third, under way beside it, goes in.
    @Test func aChunkThatIsRefusedIsNamedWithWhatFollows() async throws {
        let path = try file(3 * size + 500)
        let result = try await ScriptedDaemon.parley(
            "import", path, "--json", at: "\(workplace.path)/scripted"
        ) { envelope, reply, _ in
            guard case .importLines(let first, _) = envelope.request else { return }
            try? await reply.send(
                first == size + 1
                    ? Response(exitCode: 1, error: "cannot import: the disk is full.")
                    : ImportTests.created(size))
        }
        #expect(result.exitCode == 1)
        let total = try JSONDecoder().decode(ImportAnswer.self, from: Data(result.output.utf8))
        #expect(total.created == 2 * size)
        let missing = "\(size + 1)-\(2 * size),\(3 * size + 1)-"
        #expect(total.missing == missing)
        #expect(total.unknown == "")
        #expect(result.errors.contains("the disk is full"))
        #expect(
            result.errors.contains(
                "lines \(size + 1) to \(2 * size) and from \(3 * size + 1) on aren't in"))
        #expect(result.errors.contains("`parley import \(path) --lines \(missing)`"))
    }

    /// A commit failed so that the store can't tell its outcome.
    @Test func aChunkTheNodeCannotVouchForIsNamedAsUnknown() async throws {
        let path = try file(size + 500)
        let result = try await ScriptedDaemon.parley(
            "import", path, "--json", at: "\(workplace.path)/scripted"
        ) { envelope, reply, _ in
            guard case .importLines(let first, _) = envelope.request else { return }
            try? await reply.send(
                first == 1
                    ? Response(exitCode: 7, error: "cannot import for certain.")
                    : ImportTests.created(500))
        }
        #expect(result.exitCode == 7)
        let total = try JSONDecoder().decode(ImportAnswer.self, from: Data(result.output.utf8))
        #expect(total.created == 500)
        #expect(total.unknown == "1-\(size)")
        #expect(total.missing == "")
    }

    /// The daemon goes away with the second chunk; nobody knows whether it wrote it.
    @Test func aChunkWithoutAnAnswerIsNamedAsUnknown() async throws {
        let path = try file(size + 1_000)
        let (answered, note) = AsyncStream.makeStream(of: Void.self)
        let result = try await ScriptedDaemon.parley(
            "import", path, at: "\(workplace.path)/scripted"
        ) { envelope, reply, end in
            guard case .importLines(let first, _) = envelope.request else { return }
            if first == 1 {
                try? await reply.send(ImportTests.created(size))
                note.finish()
            } else {
                for await _ in answered {}
                end()
            }
        }
        #expect(result.exitCode == 5)
        #expect(result.output == "\(size) records created\n")
        #expect(result.errors.contains("lines \(size + 1) to \(size + 1_000) may be in or not"))
        #expect(!result.errors.contains("--lines"), "nothing is certain to be missing")
    }
}
