import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// A node in one file, and back.
@Suite struct BackupTests {
    private let workplace: Workplace
    private let amal: TestNode
    private let passphrase: String

    init() throws {
        workplace = try Workplace()
        amal = TestNode.founder("amal", in: workplace)
        passphrase = try workplace.secret("correct horse battery", in: "passphrase.txt")
    }

    private var file: String { "\(workplace.path)/amal.backup" }

    private func backUp() {
        amal.parley("backup", file, "--passphrase-file", passphrase)
    }

    /// Restores into the home of a node that isn't there yet.
    @discardableResult
    private func restore(
        _ name: String, _ more: String..., exits exitCode: Int32 = 0,
        at location: SourceLocation = #_sourceLocation
    ) -> (node: TestNode, result: ChildProcess.Result) {
        let node = workplace.node(name)
        let result = node.run(["restore", file, "--passphrase-file", passphrase] + more)
        #expect(
            result.exitCode == exitCode, "\(result.output)\(result.errors)",
            sourceLocation: location)
        return (node, result)
    }

    private func titles(of node: TestNode) throws -> [String] {
        try node.answer("list", "--limit", "0", as: [Listed].self).map(\.title)
    }

    private func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// The writer doesn't stop before the backup is there.
    @Test func whatWasAcknowledgedBeforeIsInItWhileEditsGoOn() throws {
        try amal.start()
        for number in 0..<5 { amal.parley("new", "note", "title=before \(number)") }
        let writer = ChildProcess(
            "/bin/sh", ["-c", "while [ ! -e done ]; do parley new note title=meanwhile; done"],
            variables: Workplace.variables(home: amal.home), folder: workplace.path)
        backUp()
        amal.parley("new", "note", "title=after")
        try "".write(toFile: "\(workplace.path)/done", atomically: false, encoding: .utf8)
        #expect(writer.wait().exitCode == 0)
        #expect(!names(in: amal.home).contains { $0.hasPrefix("copy-") })

        let (restored, result) = restore("restored")
        #expect(result.output.contains("sweida"))
        let found = try titles(of: restored)
        for number in 0..<5 { #expect(found.contains("before \(number)")) }
        #expect(!found.contains("after"))
        #expect(Set(found).isSubset(of: Set(try titles(of: amal))))
    }

    @Test func nothingInItCanBeRead() throws {
        amal.parley("new", "person", "name=MARKER-PERSON", "--because", "MARKER-REASON")
        backUp()
        let bytes = try Data(contentsOf: URL(filePath: file))
        for text in ["MARKER", "sweida", "amal", "SQLite", "casebook"] {
            #expect(bytes.firstRange(of: Data(text.utf8)) == nil, "\(text)")
        }
        var status = stat()
        #expect(lstat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(names(in: workplace.path) == ["amal", "amal.backup", "passphrase.txt"])
    }

    /// Old and restored node are the same node on two machines: both go on, and meet a third.
    @Test func theOldNodeAndTheRestoredOneBothGoOn() throws {
        try amal.start()
        amal.parley("new", "note", "title=shared")
        let basil = try TestNode.guest("basil", of: amal, in: workplace)
        try amal.sync(with: basil)
        backUp()
        let old: Written = try amal.answer("new", "note", "title=old")
        amal.stop()
        let (restored, _) = restore("restored")
        let new: Written = try restored.answer("new", "note", "title=new")
        #expect(old.change.prefix { $0 != ":" } != new.change.prefix { $0 != ":" })
        basil.parley("new", "note", "title=third")
        for node in [restored, amal, restored, amal] {
            try node.start()
            try node.sync(with: basil)
            node.stop()
        }
        for node in [amal, restored, basil] {
            #expect(Set(try titles(of: node)) == ["shared", "old", "new", "third"])
        }
        let digests = try Set([amal, restored, basil].map { try $0.standing().digest })
        #expect(digests.count == 1)
    }

    @Test func whatWasThereIsMovedAsideAndNeverRemoved() throws {
        backUp()
        amal.parley("new", "note", "title=unsaved")
        let refused = amal.run(["restore", file, "--passphrase-file", passphrase])
        #expect(refused.exitCode == 1 && refused.errors.contains("--force"))
        #expect(try titles(of: amal) == ["unsaved"])

        amal.parley("restore", file, "--passphrase-file", passphrase, "--force")
        #expect(try titles(of: amal) == [])
        let aside = try #require(names(in: amal.home).first { $0.hasPrefix("before-restore-") })
        let old = TestNode(name: "old", home: "\(amal.home)/\(aside)")
        #expect(try titles(of: old) == ["unsaved"])
    }

    @Test func anotherNodesHomeIsNotTaken() throws {
        backUp()
        let basil = TestNode.founder("basil", in: workplace)
        let (_, result) = restore("basil", "--force", exits: 1)
        #expect(result.errors.contains("lives there, and the backup is of node"))
        #expect(try basil.standing().name == "sweida")
    }

    @Test func aRunningDaemonKeepsItsHome() throws {
        backUp()
        try amal.start()
        let pid = try #require(amal.daemon?.pid)
        let refused = amal.parley(
            "restore", file, "--passphrase-file", passphrase, "--force", exits: 1)
        #expect(refused.errors.contains("process \(pid)"))
        #expect(amal.parley("status").output.contains("daemon running"))
    }

    /// A backup that lacks a casebook would be taken for a whole one.
    @Test(arguments: [false, true])
    func aCasebookThatCannotBeOpenedStopsIt(isRunning: Bool) throws {
        amal.parley("casebook", "create", "other")
        let folder = "\(amal.home)/casebooks"
        let name = try #require(names(in: folder).first { $0.hasSuffix(".sqlite") })
        try Data(repeating: 0x58, count: 8_192).write(to: URL(filePath: "\(folder)/\(name)"))
        if isRunning { try amal.start() }
        let refused = amal.parley("backup", file, "--passphrase-file", passphrase, exits: 7)
        #expect(refused.errors.contains("a casebook would be missing"))
        #expect(refused.errors.contains(name))
        #expect(access(file, F_OK) != 0)
    }

    @Test func aFileOfThatNameIsKept() throws {
        try "mine".write(toFile: file, atomically: false, encoding: .utf8)
        let refused = amal.parley("backup", file, "--passphrase-file", passphrase, exits: 1)
        #expect(refused.errors.contains("--force"))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
        amal.parley("backup", file, "--passphrase-file", passphrase, "--force")
        restore("restored")
    }

    /// Each is refused in words of its own, and leaves no home behind.
    @Test func aBadFileChangesNothing() throws {
        let lines = (0..<300).map { #"{"type":"note","fields":{"title":"note \#($0)"}}"# }
        amal.parley("import", "-", input: lines.joined(separator: "\n"))
        backUp()
        let good = try Data(contentsOf: URL(filePath: file))
        #expect(good.count > 2 * 65_536)
        var (altered, newer) = (good, good)
        altered[100_000] ^= 1
        newer[7] = 2
        let bad: [(String, Data, Int32)] = [
            ("isn't as it was written", altered, 7),
            ("its end is missing", good.prefix(60 + 65_552), 7),
            ("isn't as it was written", good.prefix(good.count - 1), 7),
            ("isn't as it was written", good + [0], 7),
            ("it is a backup in format 2", newer, 1),
            ("it is no backup", Data("SQLite format 3\0 and more of it".utf8), 1),
            ("it is no backup", Data(), 1),
        ]
        for (words, bytes, exitCode) in bad {
            try bytes.write(to: URL(filePath: file))
            let (node, result) = restore("restored", exits: exitCode)
            #expect(result.errors.contains(words), "\(result.errors)")
            #expect(access(node.home, F_OK) != 0)
        }
        try good.write(to: URL(filePath: file))
        _ = try workplace.secret("wrong horse battery", in: "passphrase.txt")
        let (node, result) = restore("restored", exits: 6)
        #expect(result.errors.contains("the passphrase is wrong"))
        #expect(access(node.home, F_OK) != 0)
    }

    /// A restored home in the states in which a crash may leave it: each is as good as done.
    @Test(arguments: ["restored-", "placing-"])
    func aRestoreThatWasCutOffIsFinishedByWhoeverComesNext(state: String) throws {
        backUp()
        amal.parley("new", "note", "title=unsaved")
        let (restored, _) = restore("restored")
        restored.parley("new", "note", "title=restored")
        let folder = "\(amal.home)/\(state)2026"
        if state == "placing-" {
            // What was there is aside, and the key isn't in its place yet.
            for name in ["casebooks", "node.json", "node.key"] {
                try FileManager.default.removeItem(atPath: "\(amal.home)/\(name)")
            }
        }
        #expect(mkdir(folder, 0o700) == 0)
        for name in ["casebooks", "node.json", "node.key"] {
            #expect(rename("\(restored.home)/\(name)", "\(folder)/\(name)") == 0)
        }
        if state == "placing-" {
            #expect(rename("\(folder)/casebooks", "\(amal.home)/casebooks") == 0)
        }
        #expect(try titles(of: amal) == ["restored"])
        #expect(!names(in: amal.home).contains { $0.hasPrefix(state) })
        let isAside = names(in: amal.home).contains("before-restore-2026")
        #expect(isAside == (state == "restored-"))
    }

    /// Plain copies that a killed process has left.
    @Test func leftoversAreRemovedByTheNextStart() throws {
        for name in ["copy-a1b2c3", "restoring"] {
            #expect(mkdir("\(amal.home)/\(name)", 0o700) == 0)
            try "x".write(
                toFile: "\(amal.home)/\(name)/0", atomically: false, encoding: .utf8)
        }
        amal.parley("list")
        #expect(
            !names(in: amal.home).contains { $0.hasPrefix("copy-") || $0 == "restoring" })
    }

    /// Two processes, one file: the second restore starts from nothing.
    @Test func aRestoreIntoAnEmptyFolderMayBeRepeated() throws {
        backUp()
        let home = workplace.node("restored").home
        for folder in [home, "\(home)/restoring"] { #expect(mkdir(folder, 0o700) == 0) }
        try "x".write(toFile: "\(home)/restoring/x", atomically: false, encoding: .utf8)
        let (node, _) = restore("restored")
        #expect(try node.standing().name == "sweida")
        #expect(names(in: home) == ["casebooks", "lock", "node.json", "node.key"])
    }
}
