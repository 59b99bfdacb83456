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
    func answers() throws -> [Figure] {
        stage.note("asking for records, lists and searches")
        return try stage.withDaemons(in: [stage.source], listen: address) { daemons in
            let questions = try Questions(
                to: daemons[0], records: min(stage.size.records, 4_096))
            let names: [(Questions.Kind, String)] = [
                (.show, "show"), (.list, "list"), (.indexedList, "list by an indexed field"),
                (.plainList, "list by a field without an index"), (.find, "find"),
                (.conflictList, "conflict list"),
            ]
            return try names.map { kind, name in
                Figure(
                    name: "\(name), 99th percentile, through the socket",
                    value: try questions.slowest(kind), unit: "ms",
                    goal: kind == .plainList ? nil : .atMost(10))
            } + [command(daemons[0].records(1)[0])]
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
