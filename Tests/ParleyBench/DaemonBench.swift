import Foundation
import ParleyControl

/// Two real daemons on loopback: one fills up, the other gets everything, both edit apart, meet
/// again, and meet once more with nothing to say.
struct DaemonBench {
    struct Size {
        let records: Int
        let edits: Int
    }

    /// Times are taken when both digests are equal, whatever a command has answered by then.
    private static let patience = 900

    private let programs: Programs
    private let size: Size
    private let folder: URL
    private let source: URL
    private let target: URL

    init(programs: Programs, folder: URL, size: Size) throws {
        self.programs = programs
        self.size = size
        self.folder = folder
        source = folder.appending(path: "a")
        target = folder.appending(path: "b")
    }

    /// Runs everything, one step after the other.
    func run(against floor: SQLiteFloor) throws -> [Figure] {
        note("importing \(size.records) records into one daemon")
        var figures = try fillSource()
        note("syncing them into an empty one")
        let address = try coldSync(floor, into: &figures)
        note("meeting with nothing to do")
        try noOperation(address, into: &figures)
        note("making \(size.edits) edits on each side, apart, and meeting again")
        try reconnect(address, floor, into: &figures)
        return figures
    }

    private func fillSource() throws -> [Figure] {
        try programs.parley("init", "--name", "amal", home: source)
        try programs.parley("init", "--name", "basil", home: target)
        try programs.parley("casebook", "create", "bench", home: source)
        let file = folder.appending(path: "base.jsonl")
        _ = try Workload().write(records: size.records, to: file)
        let daemon = try programs.startDaemon(home: source, listen: "127.0.0.1:0")
        defer { daemon.stop() }
        let seconds = try Stopwatch.seconds {
            try programs.parley("import", file.path, home: source)
        }
        return [
            Figure(
                name: "import", value: Double(size.records) / seconds, unit: "lines/s",
                goal: .atLeast(20_000))
        ]
    }

    /// - Returns: where the source listens.
    private func coldSync(_ floor: SQLiteFloor, into figures: inout [Figure]) throws -> String {
        let sender = try programs.startDaemon(home: source, listen: "127.0.0.1:0")
        let receiver = try programs.startDaemon(home: target, listen: "127.0.0.1:0")
        defer {
            receiver.stop()
            sender.stop()
        }
        let invitation = try JSONDecoder().decode(
            Invitation.self,
            from: programs.parley("invite", "--address", sender.address, home: source))
        var traffic = Traffic()
        let seconds = try Stopwatch.seconds {
            try programs.parley("join", invitation.code, home: target)
            traffic = try meet(sender, receiver)
        }
        let records = Double(size.records)
        figures += [
            Figure(
                name: "daemon ready, just filled", value: sender.secondsUntilReady, unit: "s",
                goal: .atMost(0.3)),
            Figure(
                name: "cold sync, join included", value: seconds, unit: "s",
                goal: .atMostTimesFloor(1.3), floor: floor.intakeSeconds),
            Figure(
                name: "cold sync, a record", value: Double(traffic.bytesIn) / records,
                unit: "bytes", goal: .atMost(99)),
            Figure(
                name: "peak memory, sender", value: try sender.peakMemory, unit: "MiB",
                goal: .atMost(60)),
            Figure(
                name: "peak memory, receiver", value: try receiver.peakMemory, unit: "MiB",
                goal: .atMost(60)),
        ]
        return sender.address
    }

    private func noOperation(_ address: String, into figures: inout [Figure]) throws {
        let sender = try programs.startDaemon(home: source, listen: address)
        let receiver = try programs.startDaemon(home: target, listen: "127.0.0.1:0")
        defer {
            receiver.stop()
            sender.stop()
        }
        var traffic = Traffic()
        let seconds = try Stopwatch.seconds { traffic = try meet(sender, receiver) }
        figures += [
            Figure(name: "nothing to do, just opened", value: seconds, unit: "s"),
            // The goal of 100 bytes is for what comes after the handshake of TLS.
            Figure(
                name: "nothing to do, in, TLS handshake included",
                value: Double(traffic.bytesIn), unit: "bytes"),
            Figure(
                name: "nothing to do, out, TLS handshake included",
                value: Double(traffic.bytesOut), unit: "bytes"),
        ]
    }

    private func reconnect(
        _ address: String, _ floor: SQLiteFloor, into figures: inout [Figure]
    ) throws {
        let records = try recordIDs(address)
        let edits = Workload().edits(of: records, count: size.edits)
        let rate = try editAlone(source, edits.first, listen: address)
        _ = try editAlone(target, edits.second, listen: "127.0.0.1:0")
        let sender = try programs.startDaemon(home: source, listen: address)
        let receiver = try programs.startDaemon(home: target, listen: "127.0.0.1:0")
        defer {
            receiver.stop()
            sender.stop()
        }
        var traffic = Traffic()
        let seconds = try Stopwatch.seconds { traffic = try meet(sender, receiver) }
        figures += [
            Figure(
                name: "durable edits, through the socket", value: rate, unit: "edits/s",
                goal: .atLeastTimesFloor(0.6), floor: floor.editsPerSecond),
            Figure(
                name: "reconnect, just opened", value: seconds, unit: "s", goal: .atMost(0.03)),
            Figure(
                name: "reconnect, in", value: Double(traffic.bytesIn), unit: "bytes",
                goal: .atMost(20_000)),
            Figure(
                name: "reconnect, out", value: Double(traffic.bytesOut), unit: "bytes",
                goal: .atMost(20_000)),
            Figure(
                name: "conflicts kept", value: Double(try casebook(receiver).conflicts),
                unit: "fields"),
            Figure(
                name: "parley show, start to finish", value: try showSeconds(records[0]),
                unit: "s", goal: .atMost(0.05)),
        ]
    }
}

// MARK: - Steps

extension DaemonBench {
    private struct Invitation: Decodable {
        let code: String
    }

    private struct Listed: Decodable {
        let record: String
    }

    private struct Status: Decodable {
        struct Casebook: Decodable {
            let digest: String
            let conflicts: Int
        }

        let casebooks: [Casebook]
    }

    /// What the sync command of the receiving side says went over the wire.
    private struct Traffic: Decodable {
        var bytesIn = 0
        var bytesOut = 0
    }

    private func note(_ step: String) {
        FileHandle.standardError.write(Data("\(step) ...\n".utf8))
    }

    /// Syncs, as the receiver's user would ask for it, until both hold the same.
    private func meet(_ sender: Daemon, _ receiver: Daemon) throws -> Traffic {
        let peers: [Traffic] = try answer(
            .sync(peer: nil, waitSeconds: DaemonBench.patience), from: receiver)
        let expected = try casebook(sender).digest
        let deadline = ContinuousClock.now + .seconds(DaemonBench.patience)
        while try casebook(receiver).digest != expected || casebook(sender).digest != expected {
            guard ContinuousClock.now < deadline else {
                throw Programs.Failure(description: "the digests never became equal")
            }
            let _: [Traffic] = try answer(
                .sync(peer: nil, waitSeconds: DaemonBench.patience), from: receiver)
        }
        return peers.reduce(Traffic()) {
            Traffic(bytesIn: $0.bytesIn + $1.bytesIn, bytesOut: $0.bytesOut + $1.bytesOut)
        }
    }

    /// - Returns: edits per second, one after the other, each answered once it is durable.
    private func editAlone(_ home: URL, _ edits: [Workload.Edit], listen: String) throws -> Double {
        let daemon = try programs.startDaemon(home: home, listen: listen)
        defer { daemon.stop() }
        let client = try ControlClient.connect(path: daemon.control)
        let seconds = try Stopwatch.seconds {
            for edit in edits {
                let assignment = Request.Assignment(
                    field: edit.field, operator: .set, value: edit.value)
                let request = Request.edit(
                    record: edit.record, assignments: [assignment], because: nil)
                try check(client.request(Envelope(casebook: nil, request: request)))
            }
        }
        return Double(edits.count) / seconds
    }

    private func recordIDs(_ address: String) throws -> [String] {
        let daemon = try programs.startDaemon(home: source, listen: address)
        defer { daemon.stop() }
        let request = Request.list(
            type: "report", filters: [], sort: nil, limit: min(size.records, 20_000))
        let listed: [Listed] = try answer(request, from: daemon)
        return listed.map(\.record).sorted()
    }

    private func casebook(_ daemon: Daemon) throws -> Status.Casebook {
        let status: Status = try answer(.status, from: daemon)
        guard let casebook = status.casebooks.first else {
            throw Programs.Failure(description: "a daemon lost its casebook")
        }
        return casebook
    }

    /// Median of a few, as a person types it.
    private func showSeconds(_ record: String) throws -> Double {
        let runs = try (0..<9).map { _ in
            try Stopwatch.seconds { try programs.parley("show", record, home: source) }
        }
        return runs.sorted()[runs.count / 2]
    }

    private func answer<Answer: Decodable>(_ request: Request, from daemon: Daemon) throws -> Answer
    {
        let client = try ControlClient.connect(path: daemon.control)
        let response = try client.request(Envelope(casebook: nil, request: request))
        try check(response)
        return try JSONDecoder().decode(Answer.self, from: Data((response.json ?? "").utf8))
    }

    private func check(_ response: Response) throws {
        guard [0, 4].contains(response.exitCode) else {
            throw Programs.Failure(description: response.error ?? "exit \(response.exitCode)")
        }
    }
}
