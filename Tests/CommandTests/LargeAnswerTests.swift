import FoundationEssentials
import ParleyControl
import ParleyTestSupport
import Testing
import parley

/// Answers of more than one frame, which is 512 KiB of text.
@Suite struct LargeAnswerTests {
    @Test func everythingAtOnceComesWhole() throws {
        let workplace = try Workplace()
        let node = TestNode.founder("amal", in: workplace)
        try node.start()
        let filler = String(repeating: "سجن ", count: 100)
        let lines = (0..<1_000).map {
            #"{"type":"note","fields":{"title":"note \#($0)","note":"\#(filler)"}}"#
        }
        node.parley("import", "-", input: lines.joined(separator: "\n"))
        let listed = node.parley("list", "--limit", "0", "--json").output
        #expect(listed.utf8.count > ControlServer.usualPieceBytes)
        #expect(listed.hasSuffix("]\n"))
        let records = try JSONDecoder().decode([Listed].self, from: Data(listed.utf8))
        #expect(Set(records.map(\.title)) == Set((0..<1_000).map { "note \($0)" }))
        let log: [Logged] = try node.answer("log", "--limit", "0")
        #expect(log.count == 1_001)
        let found: [Listed] = try node.answer("find", "سجن", "--limit", "0")
        #expect(found.count == 1_000)
        let table = node.parley("list", "--limit", "0").output
        #expect(table.split(separator: "\n").count == 1_001)
        node.stop()
        #expect(node.parley("list", "--limit", "0", "--json").output == listed)
    }

    /// The node refuses, or answers with an exit code of its own, after many pieces or none.
    @Test func theLastPieceSaysHowItWent() async throws {
        let workplace = try Workplace()
        let json = "[" + (0..<100).map { "\($0)" }.joined(separator: ",") + "]"
        let result = try await ScriptedDaemon.parley(
            "conflict", "list", "--json", at: "\(workplace.path)/scripted", pieceBytes: 7
        ) { _, reply, _ in try? await reply.send(Response(exitCode: 4, json: json)) }
        #expect(result.output == json + "\n")
        #expect(result.exitCode == 4)
        let refused = try await ScriptedDaemon.parley(
            "list", "--json", at: "\(workplace.path)/scripted", pieceBytes: 7
        ) { _, reply, _ in try? await reply.send(Response(exitCode: 3, error: "nothing here.")) }
        #expect(refused.output == "")
        #expect(refused.errors == "error: nothing here.\n")
        #expect(refused.exitCode == 3)
    }
}

/// A list that a limit cuts short says so, and doesn't where it is whole.
@Suite struct ListPartTests {
    @Test(arguments: [false, true])
    func whatALimitLeavesOutIsTold(withDaemon: Bool) throws {
        let workplace = try Workplace()
        let node = TestNode.founder("amal", in: workplace)
        if withDaemon { try node.start() }
        let lines = (0..<101).map { #"{"type":"note","fields":{"title":"note \#($0)"}}"# }
        node.parley("import", "-", input: lines.joined(separator: "\n"))
        #expect(node.parley("list").errors == "100 of 101 shown; --limit 0 shows all\n")
        #expect(node.parley("list", "note", "--json").errors.hasPrefix("100 of 101"))
        #expect(node.parley("log").errors == "100 of 102 shown; --limit 0 shows all\n")
        #expect(
            node.parley("find", "note").errors
                == "the first 100 are shown, there are more; --limit 0 shows all\n")
        for whole in ["0", "101"] { #expect(node.parley("list", "--limit", whole).errors == "") }
        let short: [Listed] = try node.answer("list", "--limit", "7")
        #expect(short.count == 7)
        let record = try #require(short.first?.record)
        node.parley("edit", record, "note=a")
        #expect(node.parley("log", record, "--limit", "1").errors.hasPrefix("1 of 2 shown"))
    }
}
