import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// `parley verify` on real homes, sound and damaged, with the daemon and without.
@Suite struct VerifyTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    private func checks(_ node: TestNode, exits exitCode: Int32) throws -> [Checked] {
        let result = node.parley("verify", "--json", exits: exitCode)
        return try JSONDecoder().decode([Checked].self, from: Data(result.output.utf8))
    }

    private func casebookFile(of node: TestNode) throws -> String {
        let folder = "\(node.home)/casebooks"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        return "\(folder)/\(try #require(names.first { $0.hasSuffix(".sqlite") }))"
    }

    /// Replaces a text of the same length, wherever it stands in the file.
    private func replace(_ text: String, by other: String, in path: String) throws {
        let bytes = try Data(contentsOf: URL(filePath: path))
        var changed = bytes
        while let range = changed.firstRange(of: Data(text.utf8)) {
            changed.replaceSubrange(range, with: Data(other.utf8))
        }
        #expect(changed != bytes && changed.count == bytes.count)
        try changed.write(to: URL(filePath: path))
    }

    @Test(arguments: [false, true])
    func aSoundNodeIsWell(withDaemon: Bool) throws {
        let node = TestNode.founder("amal", in: workplace)
        node.parley("new", "exchange", "title=Sweida")
        if withDaemon { try node.start() }
        let checks = try checks(node, exits: 0)
        #expect(
            checks.map(\.check) == [
                "file", "chains", "signatures", "members", "records", "digest", "index", "erasures",
            ])
        #expect(checks.allSatisfy { $0.ok && $0.casebook == "sweida" && $0.next == nil })
        #expect(node.parley("verify").output.hasSuffix("\nall is well\n"))
        #expect(node.parley("verify", "--casebook", "sweida").output.contains("all is well"))
        node.parley("verify", "--casebook", "other", exits: 3)
    }

    /// What a record shows isn't what was signed: the record is named by its ID, what it says isn't.
    @Test(arguments: [false, true])
    func aRecordThatWasChangedInTheFileIsNamed(withDaemon: Bool) throws {
        let node = TestNode.founder("amal", in: workplace)
        let made: Written = try node.answer("new", "exchange", "title=Sweidania")
        try replace("Sweidania", by: "Sweidanib", in: casebookFile(of: node))
        if withDaemon { try node.start() }
        let wrong = try checks(node, exits: 7).filter { !$0.ok }
        #expect(wrong.map(\.check) == ["records", "digest", "records", "digest"])
        #expect(wrong[2].detail == "record \(made.record) isn't what its changes come to")
        #expect(wrong.allSatisfy { $0.next?.contains("`parley restore FILE --force`") == true })
        #expect(!wrong.contains { $0.detail.contains("Sweidani") })
        let page = node.parley("verify", exits: 7).output
        #expect(page.contains("wrong  sweida: digest"))
        #expect(page.contains("next: "))
        #expect(!page.contains("all is well"))
    }

    /// The log's end is damaged, so the casebook can't be opened: a finding, and another casebook is
    /// checked all the same.
    @Test(arguments: [false, true])
    func aCasebookThatCannotBeOpenedIsAFinding(withDaemon: Bool) throws {
        let node = TestNode.founder("amal", in: workplace)
        let file = try casebookFile(of: node)
        node.parley("casebook", "create", "other")
        try Data("SQLite format 3".utf8).write(to: URL(filePath: file))
        if withDaemon { try node.start() }
        let checks = try checks(node, exits: 7)
        let wrong = checks.filter { !$0.ok }
        #expect(wrong.map(\.check) == ["file"])
        #expect(wrong.first?.detail.contains(file) == true)
        #expect(checks.count { $0.casebook == "other" && $0.ok } == 8)
    }

    @Test func aNodeWithoutACasebookHasNothingToCheck() throws {
        let node = workplace.node("amal")
        node.parley("init", "--name", "amal")
        #expect(node.parley("verify", "--json").output == "[]\n")
        #expect(node.parley("verify").output.contains("no casebook yet"))
    }

    /// On a terminal the bar is gone when the page comes.
    @Test func theBarLeavesACleanLine() throws {
        let node = TestNode.founder("amal", in: workplace)
        let (exitCode, shown) = node.onTerminal("verify")
        #expect(exitCode == 0)
        #expect(shown.contains("\r\u{1b}[K"))
        #expect(shown.contains("all is well"))
    }
}

/// One line of `verify` and `doctor`.
struct Checked: Decodable {
    let check: String
    let casebook: String?
    let ok: Bool
    let detail: String
    let next: String?
}
