import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// One analyst's node, used through its programs only.
final class TestNode {
    let name: String
    let home: String
    private(set) var daemon: ChildProcess?
    /// What daemons that were stopped wrote to standard error.
    private(set) var daemonLog: String?
    /// `HOST:PORT`, once a daemon has run; a restarted one listens there again.
    private(set) var address = "127.0.0.1:0"

    init(name: String, home: String) {
        self.name = name
        self.home = home
    }

    deinit {
        daemon?.send(SIGKILL)
        _ = daemon?.wait()
    }

    // MARK: Commands

    func run(_ arguments: [String], input: String = "") -> ChildProcess.Result {
        TestNode.run(arguments, home: home, input: input)
    }

    static func run(
        _ arguments: [String], home: String, input: String = ""
    ) -> ChildProcess.Result {
        ChildProcess(
            "\(Workplace.programs)/parley", arguments, input: input,
            variables: Workplace.variables(home: home), folder: "/tmp"
        ).wait()
    }

    /// Runs a command on a terminal, where somebody types `typed`.
    func onTerminal(
        _ arguments: String..., typing typed: String = ""
    ) -> (exitCode: Int32, shown: String) {
        TestNode.onTerminal(arguments, home: home, typing: typed)
    }

    static func onTerminal(
        _ arguments: [String], home: String, typing typed: String = ""
    ) -> (exitCode: Int32, shown: String) {
        let terminal = Terminal()
        terminal.type(typed)
        let child = ChildProcess(
            "\(Workplace.programs)/parley", arguments, terminal: terminal,
            variables: Workplace.variables(home: home), folder: "/tmp")
        let shown = terminal.shown()
        return (child.wait().exitCode, shown)
    }

    /// Runs a command that must end with this exit code.
    @discardableResult
    func parley(
        _ arguments: String..., input: String = "", exits exitCode: Int32 = 0,
        at location: SourceLocation = #_sourceLocation
    ) -> ChildProcess.Result {
        let result = run(arguments, input: input)
        #expect(
            result.exitCode == exitCode,
            "\(name)$ parley \(arguments.joined(separator: " "))\n\(result.output)\(result.errors)",
            sourceLocation: location)
        return result
    }

    /// The JSON answer of a command that must succeed, open conflicts allowed.
    func answer<Answer: Decodable>(
        _ arguments: String..., as type: Answer.Type = Answer.self,
        at location: SourceLocation = #_sourceLocation
    ) throws -> Answer {
        let result = run(arguments + ["--json"])
        try #require(
            [0, 4].contains(result.exitCode),
            "\(name)$ parley \(arguments.joined(separator: " "))\n\(result.errors)",
            sourceLocation: location)
        return try JSONDecoder().decode(Answer.self, from: Data(result.output.utf8))
    }

    // MARK: Daemon

    /// Starts the daemon and returns its ready line.
    @discardableResult
    func start(_ more: String...) throws -> String {
        let pipe = ChildProcess.pipe()
        daemon = ChildProcess(
            "\(Workplace.programs)/parleyd",
            ["--home", home, "--listen", address, "--json"] + more,
            pipe: pipe.writing, variables: Workplace.variables(home: home), folder: "/tmp")
        defer { close(pipe.reading) }
        let line = TestNode.line(from: pipe.reading)
        guard let ready = try? JSONDecoder().decode(ReadyLine.self, from: Data(line.utf8)) else {
            daemon?.send(SIGKILL)
            let errors = daemon?.wait().errors ?? ""
            daemon = nil
            throw NotReady(description: "\(name): no ready line but `\(line)`\n\(errors)")
        }
        address = ready.listening
        return line
    }

    /// Ends the daemon with a signal and returns its exit code.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) -> Int32 {
        daemon?.send(signal)
        let result = daemon?.wait()
        daemon = nil
        daemonLog = (daemonLog ?? "") + (result?.errors ?? "")
        return result?.exitCode ?? 0
    }

    /// Ends the daemon and returns what it said.
    func stopped() -> String {
        daemon?.send(SIGTERM)
        defer { daemon = nil }
        return daemon?.wait().errors ?? ""
    }

    /// Until the first line break, or the end where the other side went away.
    static func line(from file: Int32) -> String {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while read(file, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A daemon that ended, or printed something else, where its ready line was due.
struct NotReady: Error, CustomStringConvertible {
    let description: String
}

/// What `parleyd --json` prints when peers and commands are served.
struct ReadyLine: Decodable {
    let listening: String
    let control: String
    let node: String
}

// MARK: Answers, as far as tests look at them

struct Written: Decodable {
    let record: String
    let change: String
}

struct Invited: Decodable { let code: String }

struct Shown: Decodable {
    let type: String
    let state: String
    let fields: [String: JSONValue]
}

struct Listed: Decodable {
    let record: String
    let title: String
}

struct Logged: Decodable {
    let change: String
    let by: String
    let because: String?
}

struct Conflict: Decodable {
    struct Side: Decodable {
        let value: JSONValue
        let by: String
        let change: String
    }

    let record: String
    let field: String
    let values: [Side]
}

struct Standing: Decodable {
    struct Casebook: Decodable {
        let name: String
        let records: Int
        let conflicts: Int
        let digest: String
    }

    let casebooks: [Casebook]
}

struct Exchanged: Decodable {
    let peer: String
    let received: Int
    let complete: Bool
}

extension TestNode {
    /// Initialised, with a casebook of its own.
    static func founder(_ name: String, in workplace: Workplace) -> TestNode {
        let node = workplace.node(name)
        node.parley("init", "--name", name)
        node.parley("casebook", "create", "sweida")
        return node
    }

    /// Initialised, its daemon running, admitted by somebody whose daemon runs.
    static func guest(
        _ name: String, of host: TestNode, role: String = "editor", in workplace: Workplace
    ) throws -> TestNode {
        let node = workplace.node(name)
        node.parley("init", "--name", name)
        try node.start()
        let invitation: Invited = try host.answer("invite", "--role", role)
        node.parley("join", "-", input: invitation.code)
        return node
    }

    func standing() throws -> Standing.Casebook {
        try #require(try answer("status", as: Standing.self).casebooks.first)
    }

    /// Exchanges everything with a peer; a conflict left open is no failure.
    func sync(with peer: TestNode, at location: SourceLocation = #_sourceLocation) throws {
        let peers: [Exchanged] = try answer("sync", peer.name, "--wait", "60", at: location)
        #expect(!peers.contains { !$0.complete }, sourceLocation: location)
    }
}
