import Foundation
import NIOConcurrencyHelpers
import ParleyControl
import ParleyWorkload

/// Many who want something of one daemon at once, and how long its answers take.
struct Demand {
    let stage: Stage
    let address: String

    /// How much faster many clients together edit than one alone.
    func manyClients(_ clients: Int = 64) throws -> [Figure] {
        stage.note("editing with \(clients) clients at once")
        return try stage.withDaemons(in: [stage.source], listen: address) { daemons in
            let records = try daemons[0].records(min(stage.size.records, 4_096))
            let alone = try rate(of: 1, editsEach: 200, records, daemons[0])
            let together = try rate(of: clients, editsEach: 50, records, daemons[0])
            return [
                Figure(
                    name: "\(clients) clients at once, times one alone", value: together / alone,
                    unit: "x", goal: .atLeast(10))
            ]
        }
    }

    private func rate(
        of clients: Int, editsEach: Int, _ records: [String], _ daemon: Daemon
    ) throws -> Double {
        // A field that the edits made apart leave alone: one in conflict wouldn't be written.
        let connections = try (0..<clients).map { _ in try daemon.client() }
        let failures = NIOLockedValueBox<[any Error]>([])
        let group = DispatchGroup()
        let seconds = Stopwatch.seconds {
            for (number, client) in connections.enumerated() {
                let client = UncheckedClient(client)
                group.enter()
                Thread.detachNewThread {
                    defer { group.leave() }
                    do {
                        for edit in 0..<editsEach {
                            try client.value.edit(
                                Workload.Edit(
                                    record: records[(number * editsEach + edit) % records.count],
                                    field: "url",
                                    value: "https://archive.example.org/\(edit)"))
                        }
                    } catch {
                        failures.withLockedValue { $0.append(error) }
                    }
                }
            }
            group.wait()
        }
        if let failure = failures.withLockedValue({ $0.first }) { throw failure }
        return Double(clients * editsEach) / seconds
    }

    /// The slowest one in a hundred of the answers people wait for most.
    func answers(count: Int = 300) throws -> [Figure] {
        stage.note("asking for records, lists and searches")
        return try stage.withDaemons(in: [stage.source], listen: address) { daemons in
            let client = try daemons[0].client()
            let records = try daemons[0].records(min(stage.size.records, 4_096))
            try client.done(.find("zzyzx"))
            for record in records.prefix(100) {
                let tag = Request.Assignment(field: "tags", operator: .add, value: "urgent")
                try client.done(.edit(record: record, assignments: [tag], because: nil))
            }
            func filtered(_ field: String, _ value: String) -> Request {
                let filter = Request.Assignment(field: field, operator: .set, value: value)
                return .list(type: "report", filters: [filter], sort: nil, limit: 50)
            }
            let goal = Figure.Goal.atMost(10)
            let asked: [(String, Figure.Goal?, (Int) -> Request)] = [
                ("show", goal, { .show(record: records[$0 * 7 % records.count], at: nil) }),
                ("list", goal, { _ in .list(type: "report", filters: [], sort: nil, limit: 50) }),
                ("list by an indexed field", goal, { _ in filtered("tags", "urgent") }),
                ("list by a field without an index", nil, { _ in filtered("place", "Nowhere") }),
                (
                    "find", goal,
                    { .find(words: ["brigade", "centre", "detention"][$0 % 3], limit: 50) }
                ),
                ("conflict list", goal, { _ in .listConflicts(limit: 50) }),
            ]
            return try asked.map { name, goal, request in
                let times = try (0..<count).map { number in
                    try Stopwatch.seconds { try client.done(request(number)) }
                }
                return Figure(
                    name: "\(name), 99th percentile, through the socket",
                    value: times.sorted()[count * 99 / 100] * 1_000, unit: "ms", goal: goal)
            } + [command(records[0])]
        }
    }

    /// Median of a few, as a person types it.
    private func command(_ record: String) throws -> Figure {
        let runs = try (0..<9).map { _ in
            try Stopwatch.seconds {
                try stage.programs.parley("show", record, home: stage.source)
            }
        }
        return Figure(
            name: "parley show, start to finish", value: runs.sorted()[runs.count / 2], unit: "s",
            goal: .atMost(0.05))
    }
}

/// A client that one thread has to itself.
private struct UncheckedClient: @unchecked Sendable {
    let value: ControlClient

    init(_ value: ControlClient) {
        self.value = value
    }
}

extension Request {
    static func find(_ words: String) -> Request { .find(words: words, limit: 50) }
}
