import ParleyTestSupport
import Testing
import parley

/// Mistakes: refused with what to do next, nothing written, the exit code of the contract.
@Suite struct BadInputTests {
    private let workplace: Workplace
    private let node: TestNode

    init() throws {
        workplace = try Workplace()
        node = TestNode.founder("amal", in: workplace)
    }

    /// Runs a command that must fail and leave the log as it was.
    private func refused(_ arguments: [String], exits exitCode: Int32) throws -> String {
        let before = try node.answer("log", as: [Logged].self).count
        let result = node.run(arguments)
        #expect(result.exitCode == exitCode, "\(arguments): \(result.errors)")
        #expect(result.output == "")
        #expect(result.errors.hasPrefix("error: "))
        #expect(try node.answer("log", as: [Logged].self).count == before)
        return result.errors
    }

    @Test func wrongTypeOrFieldGetsTheNearest() throws {
        #expect(try refused(["new", "exchnge", "title=x"], exits: 1).contains("`exchange`"))
        #expect(try refused(["new", "exchange", "plce=x"], exits: 1).contains("`place`"))
        #expect(try refused(["list", "exchnge"], exits: 1).contains("`exchange`"))
    }

    @Test func valueOutOfFormGetsAnExampleAndIsNotRepeated() throws {
        let error = try refused(["new", "exchange", "title=x", "date=the day it rained"], exits: 1)
        #expect(error.contains("2026"))
        #expect(!error.contains("rained"))
        #expect(
            try refused(["new", "exchange", "released_by_a=loads"], exits: 1).contains("dozens"))
        _ = try refused(["new", "exchange", "tags=x"], exits: 1)
        _ = try refused(["new", "exchange", "title+=x"], exits: 1)
    }

    @Test func whatIsNotThereIsNotFound() throws {
        _ = try refused(["show", "ffffffff"], exits: 3)
        _ = try refused(["show", "@last"], exits: 3)
        _ = try refused(["edit", "ffffffff", "title=x"], exits: 3)
        _ = try refused(["conflict", "show", "ffffffff"], exits: 3)
        _ = try refused(["list", "--casebook", "elsewhere"], exits: 3)
    }

    @Test func usageMistakesSayHowItIsMeant() throws {
        #expect(try refused(["shw"], exits: 2).contains("`parley show`"))
        #expect(try refused(["show"], exits: 2).contains("usage: parley show <record>"))
        #expect(try refused(["edit", "@last"], exits: 2).contains("FIELD=VALUE"))
        #expect(try refused(["new", "note"], exits: 2).contains("FIELD=VALUE"))
        #expect(
            try refused(["new", "note", "tags:="], exits: 1).contains("`parley new note title="))
        #expect(try refused(["edit", "@last", "note:=x"], exits: 2).contains("note=VALUE"))
        #expect(try refused(["list", "--limit", "x"], exits: 2).contains("--limit"))
        #expect(try refused(["conflict", "resolve", "a", "b"], exits: 2).contains("--take"))
    }

    @Test func ambiguousBeginningListsTheCandidates() throws {
        // Among enough records two begin with the same four digits.
        let lines = (0..<1_200).map { #"{"type":"note","fields":{"title":"note \#($0)"}}"# }
        node.parley("import", "-", input: lines.joined(separator: "\n"))
        let ids = try node.answer("list", "--limit", "0", as: [Listed].self).map(\.record)
        let beginnings = Dictionary(grouping: ids) { $0.prefix(4) }
        let shared = try #require(beginnings.first { $0.value.count > 1 })
        let error = try refused(["show", String(shared.key)], exits: 1)
        for id in shared.value.prefix(2) { #expect(error.contains(id.prefix(8))) }
    }

    @Test func peersNeedADaemon() throws {
        #expect(try refused(["sync"], exits: 5).contains("parleyd"))
        #expect(try refused(["watch"], exits: 5).contains("parleyd"))
    }

    @Test func aFolderWithoutANodeSaysHowToMakeOne() {
        let result = workplace.node("nobody").parley("status", exits: 1)
        #expect(result.errors.contains("parley init"))
    }

    @Test func aHomeOthersCanReadIsRefused() throws {
        #expect(workplace.shell("chmod 755 \(node.home)", home: node.home).exitCode == 0)
        #expect(node.run(["status"]).exitCode == 6)
    }
}
