import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// The node's key under a passphrase: who needs it is asked, everybody else isn't.
@Suite struct KeyTests {
    private static let words = "correct horse battery"

    private let workplace: Workplace
    private let amal: TestNode
    private let secret: String

    init() throws {
        workplace = try Workplace()
        amal = TestNode.founder("amal", in: workplace)
        secret = try workplace.secret(Self.words, in: "passphrase.txt")
    }

    private var keyPath: String { "\(amal.home)/node.key" }

    private func key() throws -> Data { try Data(contentsOf: URL(filePath: keyPath)) }

    private func protect() { amal.parley("key", "protect", "--passphrase-file", secret) }

    private func mode(of path: String) -> UInt32 {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    private func names() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: amal.home)) ?? []).sorted()
    }

    @Test func theFileIsSealedAndThePlainOneOverwritten() throws {
        let plain = try key()
        #expect(plain.count == 32 && mode(of: keyPath) == 0o600)
        // Held open, so that what becomes of the old file can be seen.
        let old = open(keyPath, O_RDONLY)
        defer { close(old) }
        protect()
        let sealed = try key()
        #expect(sealed.count > 100 && mode(of: keyPath) == 0o600)
        #expect(sealed.firstRange(of: plain) == nil)
        var bytes = [UInt8](repeating: 1, count: 32)
        #expect(pread(old, &bytes, 32, 0) == 32)
        #expect(bytes == [UInt8](repeating: 0, count: 32))
        #expect(!names().contains { $0.hasPrefix("node.key.") })
        amal.parley("key", "protect", "--passphrase-file", secret, exits: 1)

        amal.parley("key", "unprotect", "--passphrase-file", secret)
        #expect(try key() == plain)
        #expect(mode(of: keyPath) == 0o600)
        amal.parley("key", "unprotect", "--passphrase-file", secret, exits: 1)
        amal.parley("new", "note", "title=x")
    }

    @Test func readingNeedsNoPassphraseAndWritingDoes() throws {
        let record = try amal.answer("new", "note", "title=x", as: Written.self).record
        protect()
        for arguments in [["list"], ["show", record], ["status"], ["log"], ["find", "x"]] {
            #expect(amal.run(arguments).exitCode == 0, "\(arguments)")
        }
        let copy = "\(workplace.path)/amal.backup"
        amal.parley("backup", copy, "--passphrase-file", secret)
        let refused = amal.parley("edit", record, "title=y", exits: 1)
        #expect(refused.errors.contains("--passphrase-file FILE"))
        amal.parley("edit", record, "title=y", "--passphrase-file", secret)
        let shown: Shown = try amal.answer("show", record)
        #expect(shown.fields["title"] == .text("y"))
        let lines = (0..<5_000).map { #"{"type":"note","fields":{"title":"note \#($0)"}}"# }
        amal.parley(
            "import", "-", "--passphrase-file", secret, input: lines.joined(separator: "\n"))
        #expect(try amal.standing().records == 5_001)
    }

    @Test func aWrongPassphraseWritesNothing() throws {
        protect()
        let wrong = try workplace.secret("wrong horse battery", in: "wrong.txt")
        let refused = amal.parley("new", "note", "title=x", "--passphrase-file", wrong, exits: 6)
        #expect(refused.errors.contains("the passphrase is wrong"))
        #expect(!refused.errors.contains("horse"))
        amal.parley("key", "unprotect", "--passphrase-file", wrong, exits: 6)
        #expect(try amal.standing().records == 0)
    }

    @Test func theTerminalIsAskedWhereSomethingIsWritten() throws {
        protect()
        let terminal = Terminal()
        let child = ChildProcess(
            "\(Workplace.programs)/parley", ["new", "note", "title=x"], terminal: terminal,
            variables: Workplace.variables(home: amal.home), folder: "/tmp")
        terminal.type(Self.words + "\n", after: "Passphrase of the node's key: ")
        let shown = terminal.shown()
        #expect(child.wait().exitCode == 0, "\(shown)")
        #expect(shown.contains("created note") && !shown.contains("horse"))
    }

    @Test func theDaemonAsksOnceWhenItStarts() throws {
        protect()
        let terminal = Terminal()
        let daemon = ChildProcess(
            "\(Workplace.programs)/parleyd",
            ["--home", amal.home, "--listen", "127.0.0.1:0", "--json"], terminal: terminal,
            variables: Workplace.variables(home: amal.home), folder: "/tmp")
        terminal.type(Self.words + "\n", after: "Passphrase of the node's key: ")
        terminal.type("", after: "listening")
        amal.parley("new", "note", "title=x")
        let environment = try Data(
            contentsOf: URL(filePath: "/proc/\(daemon.pid)/environ"))
        #expect(environment.firstRange(of: Data("horse".utf8)) == nil)
        daemon.send(SIGTERM)
        let shown = terminal.shown()
        #expect(daemon.wait().exitCode == 0, "\(shown)")
        #expect(!shown.contains("horse"))
    }

    @Test func theDaemonTakesThePassphraseFromAFile() throws {
        protect()
        try amal.start("--passphrase-file", secret)
        amal.parley("new", "note", "title=x")
        #expect(amal.stop() == 0)
    }

    @Test func withoutATerminalTheDaemonSaysWhatToGive() {
        protect()
        let result = ChildProcess(
            "/usr/bin/timeout", ["60", "parleyd", "--home", amal.home, "--listen", "127.0.0.1:0"],
            variables: Workplace.variables(home: amal.home), folder: "/tmp"
        ).wait()
        #expect(result.exitCode == 1)
        #expect(result.errors.contains("--passphrase-file FILE"))
        #expect(result.output == "")
    }

    @Test func aRunningDaemonsKeyIsLeftAlone() throws {
        try amal.start()
        amal.parley("key", "protect", "--passphrase-file", secret, exits: 1)
        #expect(try key().count == 32)
    }

    /// The states in which a crash may leave the key: a second name of it, and one of its versions.
    @Test func leftoversOfRewritingAreWipedAndTheKeyIsNot() throws {
        let plain = try key()
        #expect(link(keyPath, keyPath + ".old") == 0)
        try Data(repeating: 7, count: 32).write(to: URL(filePath: keyPath + ".new"))
        amal.parley("list")
        #expect(try key() == plain)
        #expect(!names().contains { $0.hasPrefix("node.key.") })
    }

    @Test func aProtectedKeyStaysProtectedInABackup() throws {
        protect()
        let copy = "\(workplace.path)/amal.backup"
        let other = try workplace.secret("another horse entirely", in: "other.txt")
        amal.parley("backup", copy, "--passphrase-file", other)
        let restored = workplace.node("restored")
        restored.parley("restore", copy, "--passphrase-file", other)
        restored.parley("new", "note", "title=x", "--passphrase-file", other, exits: 6)
        restored.parley("new", "note", "title=x", "--passphrase-file", secret)
    }
}
