import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// Other users of the same machine get at nothing.
@Suite struct AccessTests {
    private let workplace: Workplace
    private let amal: TestNode

    init() throws {
        workplace = try Workplace()
        amal = TestNode.founder("amal", in: workplace)
    }

    private func status(of path: String) throws -> stat {
        var status = stat()
        try #require(lstat(path, &status) == 0, "\(path)")
        return status
    }

    /// A daemon that is killed leaves all of its files behind.
    @Test func everyFileIsClosedToOthersWhateverTheUmask() throws {
        let home = workplace.node("open").home
        let made = workplace.shell(
            """
            umask 0
            parley init --name open
            parley casebook create sweida
            parley new exchange title=Sweida
            parley find sweida
            parley show @last
            """, home: home)
        #expect(made.exitCode == 0, "\(made.errors)")
        let pipe = ChildProcess.pipe()
        let daemon = ChildProcess(
            "/bin/sh", ["-c", "umask 0; exec parleyd --listen 127.0.0.1:0 --json"],
            pipe: pipe.writing, variables: Workplace.variables(home: home), folder: "/tmp")
        defer { close(pipe.reading) }
        #expect(TestNode.line(from: pipe.reading).contains("listening"))
        _ = workplace.shell("parley new note title=x; parley status", home: home)
        daemon.send(SIGKILL)
        _ = daemon.wait()

        let found = try FileManager.default.subpathsOfDirectory(atPath: home)
        for ending in [".sqlite", ".sqlite-wal", ".generation", "node.key", "control.sock", "lock"]
        {
            #expect(found.contains { $0.hasSuffix(ending) }, "\(ending)")
        }
        for path in found.map({ "\(home)/\($0)" }) + [home] {
            #expect(try status(of: path).st_mode & 0o077 == 0, "\(path)")
        }
    }

    /// Refused by command and daemon alike, whether a daemon runs there or not.
    @Test(arguments: [false, true])
    func aHomeThatOthersCouldHavePreparedIsRefused(isRunning: Bool) throws {
        if isRunning { try amal.start() }
        let link = "\(workplace.path)/link"
        #expect(symlink(amal.home, link) == 0)
        for home in [link, link + "/"] { expectRefused(home, "realpath") }
        chmod(amal.home, 0o750)
        expectRefused(amal.home, "chmod 700 \(amal.home)")
        chmod(amal.home, 0o700)
        if geteuid() == 0 {
            #expect(chown(amal.home, 65534, 65534) == 0)
            expectRefused(amal.home, "chown")
            #expect(chown(amal.home, 0, 0) == 0)
        }
        amal.parley("list")
    }

    private func expectRefused(
        _ home: String, _ command: String, at location: SourceLocation = #_sourceLocation
    ) {
        let commands = [
            ["parley", "list"], ["parley", "init", "--name", "x"],
            ["parleyd", "--listen", "127.0.0.1:0"],
        ]
        for words in commands where !words.contains("init") || home != amal.home {
            let result = ChildProcess(
                "/usr/bin/timeout", ["60"] + words + ["--home", home],
                variables: Workplace.variables(home: home), folder: "/tmp"
            ).wait()
            let context = "\(words): \(result.errors)"
            #expect(result.exitCode == 6, "\(context)", sourceLocation: location)
            #expect(result.errors.contains(command), "\(context)", sourceLocation: location)
        }
    }

    @Test func initDoesNotCloseAFolderThatOthersUse() throws {
        let folder = "\(workplace.path)/shared"
        #expect(mkdir(folder, 0o755) == 0 && chmod(folder, 0o755) == 0)
        let result = TestNode.run(["init", "--name", "x"], home: folder)
        #expect(result.exitCode == 6)
        #expect(result.errors.contains("chmod 700 \(folder)"))
        #expect(try status(of: folder).st_mode & 0o777 == 0o755)
    }

    /// The system gives what it knows of a process that can't be looked into to root.
    @Test(.enabled(if: geteuid() == 0, "SKIP: needs root to become another user"))
    func theDaemonCannotBeLookedInto() throws {
        let folder = "\(workplace.path)/nobody"
        chmod(workplace.path, 0o711)
        #expect(mkdir(folder, 0o700) == 0 && chown(folder, 65534, 65534) == 0)
        let home = "\(folder)/home"
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"]
        let variables = Workplace.variables(home: home)
        func asNobody(_ words: [String], pipe: Int32? = nil) -> ChildProcess {
            ChildProcess(
                "/usr/bin/setpriv", nobody + words, pipe: pipe, variables: variables,
                folder: "/tmp")
        }
        let made = asNobody(["parley", "init", "--name", "nobody"]).wait()
        #expect(made.exitCode == 0, "\(made.errors)")
        let foreign = asNobody(["parley", "list", "--home", amal.home]).wait()
        #expect(foreign.exitCode == 6)
        #expect(foreign.errors.contains("belongs to user 0"))

        let pipe = ChildProcess.pipe()
        let daemon = asNobody(
            ["parleyd", "--listen", "127.0.0.1:0", "--json"], pipe: pipe.writing)
        defer { close(pipe.reading) }
        #expect(TestNode.line(from: pipe.reading).contains("listening"))
        #expect(try status(of: "/proc/\(daemon.pid)/environ").st_uid == 0)
        let limits = try String(contentsOfFile: "/proc/\(daemon.pid)/limits", encoding: .utf8)
        #expect(limits.contains(#/Max core file size +0 +0 /#))
        daemon.send(SIGTERM)
        #expect(daemon.wait().exitCode == 0)
    }
}
