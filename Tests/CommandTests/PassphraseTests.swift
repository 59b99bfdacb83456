import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// Where passphrases come from, and where they never show.
@Suite struct PassphraseTests {
    private let workplace: Workplace
    private let amal: TestNode

    init() throws {
        workplace = try Workplace()
        amal = TestNode.founder("amal", in: workplace)
    }

    private var file: String { "\(workplace.path)/amal.backup" }

    /// Runs a command on a terminal and answers its questions.
    private func onTerminal(
        _ arguments: String..., answering answers: [(String, String)]
    ) -> (exitCode: Int32, shown: String) {
        let terminal = Terminal()
        let child = ChildProcess(
            "\(Workplace.programs)/parley", arguments, terminal: terminal,
            variables: Workplace.variables(home: amal.home), folder: workplace.path)
        for (question, answer) in answers { terminal.type(answer, after: question) }
        let shown = terminal.shown()
        return (child.wait().exitCode, shown)
    }

    @Test func whatIsTypedIsAskedForTwiceAndNotShown() throws {
        let made = onTerminal(
            "backup", file,
            answering: [
                ("of the backup: ", "correct horse battery\n"),
                ("once more: ", "correct horse battery\n"),
            ])
        #expect(made.exitCode == 0, "\(made.shown)")
        #expect(!made.shown.contains("horse"))
        let back = onTerminal(
            "restore", file, "--home", "\(workplace.path)/restored",
            answering: [("of the backup: ", "correct horse battery\n")])
        #expect(back.exitCode == 0, "\(back.shown)")
        #expect(!back.shown.contains("horse"))
    }

    @Test func twoDifferentOnesMakeNoBackup() {
        let result = onTerminal(
            "backup", file,
            answering: [
                ("of the backup: ", "correct horse battery\n"),
                ("once more: ", "correct house battery\n"),
            ])
        #expect(result.exitCode == 1)
        #expect(result.shown.contains("two different passphrases"))
        #expect(access(file, F_OK) != 0)
    }

    @Test func whoeverBreaksOffLeavesTheTerminalAsItWas() {
        let result = onTerminal("backup", file, answering: [("of the backup: ", "correct\u{3}")])
        #expect(result.exitCode == 1)
        #expect(result.shown.contains("nothing done, as you broke off"))
        #expect(access(file, F_OK) != 0)
    }

    @Test func aFileMustBeOursAlone() throws {
        let secret = try workplace.secret("correct horse battery", in: "passphrase.txt")
        chmod(secret, 0o640)
        let open = amal.parley("backup", file, "--passphrase-file", secret, exits: 6)
        #expect(open.errors.contains("chmod 600 \(secret)"))
        chmod(secret, 0o600)
        let link = "\(workplace.path)/link.txt"
        #expect(symlink(secret, link) == 0)
        amal.parley("backup", file, "--passphrase-file", link, exits: 1)
        if geteuid() == 0 {
            #expect(chown(secret, 65534, 65534) == 0)
            amal.parley("backup", file, "--passphrase-file", secret, exits: 6)
        }
        #expect(access(file, F_OK) != 0)
    }

    @Test func aDescriptorIsReadUpToTheFirstLineBreak() throws {
        _ = try workplace.secret("correct horse battery", in: "passphrase.txt")
        let made = workplace.shell(
            "(cat passphrase.txt; echo more) | parley backup amal.backup --passphrase-fd 3 3<&0",
            home: amal.home)
        #expect(made.exitCode == 0, "\(made.errors)")
        let back = workplace.shell(
            "parley restore amal.backup --passphrase-fd 3 3<passphrase.txt",
            home: "\(workplace.path)/restored")
        #expect(back.exitCode == 0, "\(back.errors)")
    }

    @Test func withoutATerminalItSaysWhatToGive() {
        let result = amal.parley("backup", file, exits: 1)
        #expect(result.errors.contains("--passphrase-file FILE"))
    }

    @Test func aShortOneIsRefused() throws {
        let secret = try workplace.secret("correct", in: "passphrase.txt")
        let result = amal.parley("backup", file, "--passphrase-file", secret, exits: 1)
        #expect(result.errors.contains("fewer than 12 characters"))
        #expect(!result.errors.contains("correct"))
    }
}
