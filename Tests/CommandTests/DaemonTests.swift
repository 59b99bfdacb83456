import FoundationEssentials
import Glibc
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

    @Test func aKilledDaemonLeavesNothingInTheWay() throws {
        try node.start()
        node.parley("new", "note", "title=One")
        node.stop(SIGKILL)
        #expect(try node.standing().records == 1)
        try node.start()
        node.parley("new", "note", "title=Two")
        #expect(try node.standing().records == 2)
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
