import Foundation
import ParleyControl
import ParleyWorkload

/// Two homes, what fills them, and how the parts of a run talk to their daemons.
struct Stage {
    struct Size {
        let records: Int
        let edits: Int
        var onlookers = 0
    }

    /// Times are taken when both digests are equal, whatever a command has answered by then.
    static let patience = 900
    static let anyPort = "127.0.0.1:0"

    let programs: Programs
    let size: Size
    let floor: SQLiteFloor
    let folder: URL
    /// The home that was filled, and the one that got everything from it.
    let source: URL
    let target: URL

    init(programs: Programs, folder: URL, size: Size, floor: SQLiteFloor) {
        self.programs = programs
        self.size = size
        self.floor = floor
        self.folder = folder
        source = folder.appending(path: "a")
        target = folder.appending(path: "b")
    }

    var workload: URL { folder.appending(path: "base.jsonl") }

    func note(_ step: String) {
        FileHandle.standardError.write(Data("\(step) ...\n".utf8))
    }

    // MARK: Daemons

    /// Runs `body` with a daemon in each of some homes, and stops them in order.
    func withDaemons<Value>(
        in homes: [URL], listen: String = anyPort, _ body: ([Daemon]) throws -> Value
    ) throws -> Value {
        var daemons: [Daemon] = []
        defer { for daemon in daemons.reversed() { daemon.stop() } }
        for home in homes {
            // The first is where the others look for it.
            let address = daemons.isEmpty ? listen : Stage.anyPort
            daemons.append(try programs.startDaemon(home: home, listen: address))
        }
        return try body(daemons)
    }

    /// Syncs, as the receiver's user would ask for it, until both hold the same.
    ///
    /// - Returns: what the receiver says went over the wire since it was last told.
    @discardableResult
    func meet(_ sender: Daemon, _ receiver: Daemon) throws -> Traffic {
        var traffic = try receiver.sync()
        let deadline = ContinuousClock.now + .seconds(Stage.patience)
        while try receiver.digests() != sender.digests() {
            guard ContinuousClock.now < deadline else {
                throw Programs.Failure(description: "the digests never became equal")
            }
            traffic = traffic + (try receiver.sync())
        }
        return traffic
    }

    /// Makes a node for those who fill and one for those who get everything from them.
    func makeHomes() throws {
        for (home, name) in [(source, "amal"), (target, "basil")] {
            try programs.parley("init", "--name", name, home: home)
        }
    }

    /// Invites the home of one daemon into the casebook of another, whose address it keeps.
    ///
    /// - Parameter casebook: `nil` where there is only one.
    func join(_ guest: URL, _ sender: Daemon, casebook: String? = nil) throws {
        let invitation: Invitation = try sender.answer(
            .invite(role: "editor", expiresSeconds: 3_600, address: sender.address),
            casebook: casebook)
        try programs.parley("join", invitation.code, home: guest)
    }

    private struct Invitation: Decodable {
        let code: String
    }
}

/// What the sync command of one side says went over the wire.
struct Traffic: Decodable {
    var bytesIn = 0
    var bytesOut = 0

    static func + (left: Traffic, right: Traffic) -> Traffic {
        Traffic(
            bytesIn: left.bytesIn + right.bytesIn, bytesOut: left.bytesOut + right.bytesOut)
    }
}

/// Conversations with a running daemon over its control socket.
extension Daemon {
    struct Casebook: Decodable {
        let name: String
        let digest: String
        let conflicts: Int
    }

    struct Status: Decodable {
        let casebooks: [Casebook]
    }

    struct Listed: Decodable {
        let record: String
    }

    func client() throws -> ControlClient { try ControlClient.connect(path: control) }

    func status() throws -> Status { try answer(.status) }

    func digests() throws -> [String] { try status().casebooks.map(\.digest).sorted() }

    func sync() throws -> Traffic {
        let peers: [Traffic] = try answer(.sync(peer: nil, waitSeconds: Stage.patience))
        return peers.reduce(Traffic(), +)
    }

    /// IDs of some records, sorted.
    func records(_ limit: Int, casebook: String? = nil) throws -> [String] {
        let listed: [Listed] = try answer(
            .list(type: "report", filters: [], sort: nil, limit: limit), casebook: casebook)
        return listed.map(\.record).sorted()
    }

    func answer<Answer: Decodable>(
        _ request: Request, casebook: String? = nil
    ) throws -> Answer {
        let response = try client().done(request, casebook: casebook)
        return try JSONDecoder().decode(Answer.self, from: Data((response.json ?? "").utf8))
    }
}

extension ControlClient {
    /// - Throws: unless it is done, open conflicts or not.
    @discardableResult
    func done(_ request: Request, casebook: String? = nil) throws -> Response {
        let response = try self.request(Envelope(casebook: casebook, request: request))
        guard [0, 4].contains(response.exitCode) else {
            throw Programs.Failure(description: response.error ?? "exit \(response.exitCode)")
        }
        return response
    }

    func edit(_ edit: Workload.Edit, casebook: String? = nil) throws {
        let assignment = Request.Assignment(field: edit.field, operator: .set, value: edit.value)
        try done(
            .edit(record: edit.record, assignments: [assignment], because: nil),
            casebook: casebook)
    }
}
