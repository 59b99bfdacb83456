import Foundation
import ParleyControl
import ParleyWorkload

/// Two daemons that have met before: with nothing to do, after edits apart, and live.
struct Meetings {
    let stage: Stage
    /// Where the source listens.
    let address: String

    func noOperation() throws -> [Figure] {
        stage.note("meeting with nothing to do")
        return try stage.withDaemons(in: [stage.source, stage.target], listen: address) { daemons in
            var traffic = Traffic()
            let seconds = try Stopwatch.seconds {
                traffic = try stage.meet(daemons[0], daemons[1])
            }
            return [
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
    }

    func reconnect() throws -> [Figure] {
        stage.note("making \(stage.size.edits) edits on each side, apart, and meeting again")
        let records = try stage.withDaemons(in: [stage.source], listen: address) {
            try $0[0].records(min(stage.size.records, 20_000))
        }
        let edits = Workload().edits(of: records, count: stage.size.edits)
        let rate = try editAlone(stage.source, edits.first, listen: address)
        _ = try editAlone(stage.target, edits.second, listen: Stage.anyPort)
        return try stage.withDaemons(in: [stage.source, stage.target], listen: address) { daemons in
            var traffic = Traffic()
            let seconds = try Stopwatch.seconds {
                traffic = try stage.meet(daemons[0], daemons[1])
            }
            return [
                Figure(
                    name: "durable edits, through the socket", value: rate, unit: "edits/s",
                    goal: .atLeastTimesFloor(0.6), floor: stage.floor.editsPerSecond),
                Figure(
                    name: "reconnect, just opened", value: seconds, unit: "s", goal: .atMost(0.03)),
                Figure(
                    name: "reconnect, in", value: Double(traffic.bytesIn), unit: "bytes",
                    goal: .atMost(20_000)),
                Figure(
                    name: "reconnect, out", value: Double(traffic.bytesOut), unit: "bytes",
                    goal: .atMost(20_000)),
                Figure(
                    name: "conflicts kept",
                    value: Double(try daemons[1].status().casebooks[0].conflicts),
                    unit: "fields"),
            ]
        }
    }

    /// One edit after the other, each seen on the other side before the next is made.
    func live(count: Int = 50) throws -> [Figure] {
        stage.note("making \(count) edits while the other side looks on")
        return try stage.withDaemons(in: [stage.source, stage.target], listen: address) { daemons in
            let (author, reader) = (daemons[0], daemons[1])
            try stage.meet(author, reader)
            let idle = try reader.sync()
            let record = try author.records(1)[0]
            let (writing, reading) = (try author.client(), try reader.client())
            let delays = try (0..<count).map { number in
                let value = "https://archive.example.org/live/\(number)"
                try writing.edit(Workload.Edit(record: record, field: "url", value: value))
                return try Stopwatch.seconds {
                    let deadline = ContinuousClock.now + .seconds(Stage.patience)
                    while try reading.done(.show(record: record, at: nil)).json?.contains(value)
                        != true
                    {
                        guard ContinuousClock.now < deadline else {
                            throw Programs.Failure(description: "an edit never arrived")
                        }
                    }
                }
            }
            let traffic = try reader.sync()
            let bytes = Double(traffic.bytesIn - idle.bytesIn) / Double(count)
            let commit = 1 / stage.floor.editsPerSecond
            return [
                Figure(
                    name: "one edit live, from the author's ok to the reader's eyes",
                    value: delays.sorted()[count / 2] * 1_000, unit: "ms",
                    goal: .atMost((commit + 0.002) * 1_000)),
                Figure(name: "one edit live, in", value: bytes, unit: "bytes", goal: .atMost(230)),
            ]
        }
    }

    /// - Returns: edits per second, one after the other, each answered once it is durable.
    private func editAlone(_ home: URL, _ edits: [Workload.Edit], listen: String) throws -> Double {
        try stage.withDaemons(in: [home], listen: listen) { daemons in
            let client = try daemons[0].client()
            let seconds = try Stopwatch.seconds { for edit in edits { try client.edit(edit) } }
            return Double(edits.count) / seconds
        }
    }
}
