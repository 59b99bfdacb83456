import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// The daemon's life as systemd and people see it.
@Suite struct DaemonTests {
    private let workplace: Workplace
    private let node: TestNode

    init() throws {
        workplace = try Workplace()
        node = TestNode.founder("amal", in: workplace)
    }

    @Test func saysWhenItIsReady() throws {
        let line = try node.start()
        let ready = try JSONDecoder().decode(ReadyLine.self, from: Data(line.utf8))
        #expect(ready.control == "\(node.home)/control.sock")
        #expect(ready.listening.hasPrefix("127.0.0.1:"))
        #expect(ready.node.count == 64)
        #expect(node.parley("status").output.contains("daemon running"))
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func stopsCleanlyAndStartsAgain(signal: Int32) throws {
        try node.start()
        node.parley("new", "note", "title=One")
        #expect(node.stop(signal) == 0)
        #expect(try node.standing().records == 1)
        try node.start()
        #expect(try node.standing().records == 1)
    }

    /// A peer can make these threads as busy as it likes; commands come first.
    @Test func threadsThatServePeersStandBack() throws {
        try node.start()
        let tasks = "/proc/\(try #require(node.daemon?.pid))/task"
        var niceness: [String: Set<Substring>] = [:]
        for task in try FileManager.default.contentsOfDirectory(atPath: tasks) {
            let stat = try String(contentsOfFile: "\(tasks)/\(task)/stat", encoding: .utf8)
            let name = stat.contains("NIO-SGLTN") ? "peers" : "others"
            // Behind the name in brackets the 17th field is the niceness.
            let fields = stat.split(separator: ")")[1].split(separator: " ")
            niceness[name, default: []].insert(fields[16])
        }
        #expect(niceness["peers"] == ["5"])
        #expect(niceness["others"]?.contains("5") == false)
    }

    @Test func aSecondDaemonIsToldWhoHasTheHome() throws {
        try node.start()
        let pid = try #require(node.daemon?.pid)
        let second = ChildProcess(
            "\(Workplace.programs)/parleyd", ["--home", node.home, "--listen", "127.0.0.1:0"],
            variables: Workplace.variables(home: node.home), folder: "/tmp"
        ).wait()
        #expect(second.exitCode == 1)
        #expect(second.errors.contains("\(pid)"))
        #expect(node.parley("status").output.contains("daemon running"))
    }

    /// Somebody copies an older file over the casebook that the daemon has open. The daemon ends before
    /// it writes or shows anything more; what was made since comes back from who has it.
    @Test func aFileCopiedOverTheCasebookEndsTheDaemon() throws {
        node.parley("new", "note", "title=before")
        let folder = "\(node.home)/casebooks"
        let name = try #require(
            FileManager.default.contentsOfDirectory(atPath: folder).first {
                $0.hasSuffix(".sqlite")
            })
        let (file, older) = ("\(folder)/\(name)", "\(workplace.path)/older.sqlite")
        try node.start()
        let basil = try TestNode.guest("basil", of: node, in: workplace)
        try node.sync(with: basil)
        node.stop()
        try FileManager.default.copyItem(atPath: file, toPath: older)
        try node.start()
        node.parley("new", "note", "title=since")
        try node.sync(with: basil)
        // Stopping copies the journal back: until then the file is still the older one.
        node.stop()
        try node.start()
        #expect(workplace.shell("cp \(older) \(file)", home: node.home).exitCode == 0)
        // Answered or not, by a daemon that ends or from the file once it has.
        _ = node.run(["list"])
        let ended = try #require(node.daemon).wait()
        #expect(ended.exitCode == 7 && ended.errors.contains("was copied over"))
        try node.start()
        #expect(node.run(["verify"]).exitCode == 0)
        try node.sync(with: basil)
        let titles = try node.answer("list", as: [Listed].self).map(\.title)
        #expect(Set(titles) == ["before", "since"])
    }

    @Test func aKilledDaemonLeavesNothingInTheWay() throws {
        try node.start()
        node.parley("new", "note", "title=One")
        node.stop(SIGKILL)
        // What a daemon takes away when it stops in good order.
        let control = "\(node.home)/control.sock"
        #expect(FileManager.default.fileExists(atPath: control))
        #expect(FileManager.default.fileExists(atPath: "\(node.home)/lock"))
        try node.start()
        #expect(try node.standing().records == 1)
        node.stop(SIGKILL)
        #expect(try node.standing().records == 1, "without a daemon")
        try node.start()
        node.parley("new", "note", "title=Two")
        #expect(try node.standing().records == 2)
    }

    /// Runs a daemon that can't start.
    private func refused(
        _ home: String? = nil, listen: String = "127.0.0.1:0", exits exitCode: Int32,
        at location: SourceLocation = #_sourceLocation
    ) -> String {
        // One that starts all the same is ended, with 124.
        let arguments = ["60", "parleyd", "--home", home ?? node.home, "--listen", listen]
        let result = ChildProcess(
            "/usr/bin/timeout", arguments, variables: Workplace.variables(home: node.home),
            folder: "/tmp"
        ).wait()
        #expect(result.exitCode == exitCode, "\(result.errors)", sourceLocation: location)
        #expect(result.output == "", sourceLocation: location)
        let errors = result.errors
        #expect(errors.hasPrefix("error: "), "\(errors)", sourceLocation: location)
        #expect(errors.hasSuffix(".\n"), "\(errors)", sourceLocation: location)
        // `case(label: value)` is how Swift prints what has no words.
        let isSwift = errors.contains(/[a-z]\([a-zA-Z]+:/)
        #expect(!isSwift, "\(errors)", sourceLocation: location)
        return errors
    }

    @Test func whatStandsInTheWayIsSaidInWords() throws {
        let control = "\(node.home)/control.sock"
        try "x".write(toFile: control, atomically: false, encoding: .utf8)
        #expect(refused(exits: 1).contains("\(control): it is no socket. Look at"))
        unlink(control)

        let long = "\(workplace.path)/\(String(repeating: "long", count: 30))"
        #expect(TestNode.run(["init", "--name", "amal"], home: long).exitCode == 0)
        #expect(refused(long, exits: 1).contains("Choose a shorter folder with --home."))

        #expect(refused(listen: "no.such.host.invalid:1", exits: 1).contains("--listen"))
        try node.start()
        let other = TestNode.founder("basil", in: workplace)
        let busy = refused(other.home, listen: node.address, exits: 1)
        #expect(busy.contains("Address already in use"))
        node.stop()
        #expect(refused("/nowhere", exits: 1).contains("parley init"))
    }

    @Test func aDamagedCasebookIsNamed() throws {
        let folder = "\(node.home)/casebooks"
        let file = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder)
                .first { $0.hasSuffix(".sqlite") })
        // The journal alone would bring all of it back.
        unlink("\(folder)/\(file)-wal")
        try Data(repeating: 0x58, count: 8_192).write(to: URL(filePath: "\(folder)/\(file)"))
        for isRunning in [false, true] {
            if isRunning { try node.start() }
            let error = node.parley("list", exits: 7).errors
            #expect(error.contains("\(file): it is damaged (file is not"))
            #expect(error.contains("Keep a copy of the whole home"))
            let status = node.parley("status").output
            #expect(status.contains("\(file): it is damaged"))
            #expect(!status.contains("casebook create"))
        }
    }

    @Test(arguments: [["--listen", "nowhere"], ["--frob"], ["--listen"]])
    func usageMistakesEndWithTwo(arguments: [String]) {
        let result = ChildProcess(
            "\(Workplace.programs)/parleyd", ["--home", node.home] + arguments,
            variables: Workplace.variables(home: node.home), folder: "/tmp"
        ).wait()
        #expect(result.exitCode == 2)
        #expect(result.errors.hasPrefix("error: "))
    }
}
