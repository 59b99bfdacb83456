import Foundation
import ParleyControl
import ParleyWorkload

/// One edit while a number of members look on.
struct SessionsPoint: Encodable {
    let count: Int
    /// From the author's ok until all have read it.
    let milliseconds: Double
    /// Of the daemon.
    let processorMilliseconds: Double
    let mebibytes: Double
}

/// One daemon and members who have everything already: what a meeting without news costs, and how soon
/// one edit is with all of them.
struct Onlookers {
    let stage: Stage

    /// - Parameter logs: how many logs the casebook has.
    func noOperation(logs: Int) async throws -> [Figure] {
        let shape = CasebookShape(records: max(logs, 100), onlookers: 1, origins: logs)
        return try await withDaemon(serving: shape, "idle\(logs)") { daemon, casebook in
            let audience = Audience(of: casebook, count: 1)
            let traffic = try await audience.gather(at: daemon.address)[0]
            audience.leave()
            return [
                // In comes the same, and whatever TLS hands out after its handshake.
                Figure(
                    name: "nothing to do, \(logs) logs, out after TLS",
                    value: Double(traffic.bytesOut), unit: "bytes", goal: .atMost(100))
            ]
        }
    }

    func fanOut(to count: Int) async throws -> [Figure] {
        let point = try await measure(count)
        return [
            Figure(
                name: "one edit with \(count) who look on, from ok until all read it",
                value: point.milliseconds, unit: "ms", goal: .atMost(100)),
            Figure(
                name: "processor time of the sender for it", value: point.processorMilliseconds,
                unit: "ms"),
            Figure(
                name: "peak memory with \(count) sessions", value: point.mebibytes, unit: "MiB",
                goal: .atMost(120)),
        ]
    }

    func measure(_ count: Int, edits: Int = 20) async throws -> SessionsPoint {
        let shape = CasebookShape(records: 100, onlookers: count)
        return try await withDaemon(serving: shape, "fan\(count)") { daemon, casebook in
            let audience = Audience(of: casebook, count: count)
            _ = try await audience.gather(at: daemon.address)
            let client = try daemon.client()
            let record = try daemon.records(1)[0]
            let before = try daemon.processorSeconds
            var times: [Double] = []
            for number in 1...edits {
                let value = "https://archive.example.org/live/\(number)"
                try client.edit(Workload.Edit(record: record, field: "url", value: value))
                let start = ContinuousClock.now
                try await audience.wait(for: casebook.head.sequence + UInt64(number))
                times.append((ContinuousClock.now - start) / .milliseconds(1))
            }
            let processor = (try daemon.processorSeconds - before) / Double(edits)
            let memory = try daemon.peakMemory
            audience.leave()
            return SessionsPoint(
                count: count, milliseconds: times.sorted()[edits / 2],
                processorMilliseconds: processor * 1e3, mebibytes: memory)
        }
    }

    private func withDaemon<Value>(
        serving shape: CasebookShape, _ name: String,
        _ body: (Daemon, BuiltCasebook) async throws -> Value
    ) async throws -> Value {
        stage.note("meeting \(shape.onlookers) who look on, \(shape.origins) logs")
        let home = stage.folder.appending(path: name)
        try stage.programs.parley("init", "--name", "amal", home: home)
        defer { try? FileManager.default.removeItem(at: home) }
        let casebook = try await CasebookBuilder.build(shape, in: home)
        let daemon = try stage.programs.startDaemon(home: home, listen: Stage.anyPort)
        defer { daemon.stop() }
        return try await body(daemon, casebook)
    }
}
