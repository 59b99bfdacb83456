import Foundation
import ParleyWorkload

/// One daemon fills up, another gets everything, more of them do, and both start again.
struct ColdSync {
    let stage: Stage

    func fill() throws -> [Figure] {
        stage.note("importing \(stage.size.records) records into one daemon")
        try stage.makeHomes()
        try stage.programs.parley("casebook", "create", "bench", home: stage.source)
        _ = try Workload().write(records: stage.size.records, to: stage.workload)
        let seconds = try stage.withDaemons(in: [stage.source]) { _ in
            try Stopwatch.seconds {
                try stage.programs.parley("import", stage.workload.path, home: stage.source)
            }
        }
        return [
            Figure(
                name: "import", value: Double(stage.size.records) / seconds, unit: "lines/s",
                goal: .atLeast(20_000))
        ]
    }

    /// - Returns: the figures, and where the source listens from now on.
    func sync() throws -> (figures: [Figure], address: String) {
        stage.note("syncing them into an empty one")
        return try stage.withDaemons(in: [stage.source, stage.target]) { daemons in
            let (sender, receiver) = (daemons[0], daemons[1])
            var traffic = Traffic()
            let seconds = try Stopwatch.seconds {
                try stage.join(stage.target, sender)
                traffic = try stage.meet(sender, receiver)
            }
            let indexing = try Stopwatch.seconds { _ = try receiver.client().done(.find("zzyzx")) }
            let records = Double(stage.size.records)
            let figures = [
                Figure(
                    name: "cold sync, join included", value: seconds, unit: "s",
                    goal: .atMostTimesFloor(1.3), floor: stage.floor.intakeSeconds),
                Figure(
                    name: "cold sync, a record", value: Double(traffic.bytesIn) / records,
                    unit: "bytes", goal: .atMost(99)),
                Figure(
                    name: "peak memory, sender", value: try sender.peakMemory, unit: "MiB",
                    goal: .atMost(60)),
                Figure(
                    name: "peak memory, receiver", value: try receiver.peakMemory, unit: "MiB",
                    goal: .atMost(60)),
                Figure(
                    name: "indexing what came, a record", value: indexing / records * 1e6,
                    unit: "us",
                    goal: .atMost(15)),
            ]
            return (figures, sender.address)
        }
    }

    /// What more empty nodes cost the one that has everything.
    func fanOut(_ address: String, guests: Int = 3) throws -> [Figure] {
        stage.note("syncing them into \(guests) more")
        return try stage.withDaemons(in: [stage.source], listen: address) { daemons in
            let sender = daemons[0]
            let before = try sender.processorSeconds
            for number in 0..<guests {
                let home = stage.folder.appending(path: "guest\(number)")
                try stage.programs.parley("init", "--name", "guest\(number)", home: home)
                try stage.withDaemons(in: [home]) { receivers in
                    try stage.join(home, sender)
                    try stage.meet(sender, receivers[0])
                }
                try FileManager.default.removeItem(at: home)
            }
            let each = (try sender.processorSeconds - before) / Double(guests)
            return [
                Figure(
                    name: "processor time of the sender for one more node, a record",
                    value: each / Double(stage.size.records) * 1e6, unit: "us",
                    // Meeting and joining cost the same however little there is.
                    goal: stage.size.records < 100_000 ? nil : .atMost(0.6))
            ]
        }
    }

    /// Starting with a full casebook, and the size of its file.
    func restart(_ address: String) throws -> [Figure] {
        stage.note("starting again, after a clean stop and after kill -9")
        let ready = try stage.withDaemons(in: [stage.source], listen: address) { daemons in
            // Something to recover from.
            let record = try daemons[0].records(1)[0]
            let edit = Workload.Edit(
                record: record, field: "url", value: "https://archive.example.org/")
            try daemons[0].client().edit(edit)
            daemons[0].kill()
            return daemons[0].secondsUntilReady
        }
        let recovered = try stage.withDaemons(in: [stage.source], listen: address) { daemons in
            daemons[0].secondsUntilReady
        }
        let bytes = try stage.storedBytes(in: stage.target)
        let json = try FileManager.default.attributesOfItem(atPath: stage.workload.path)[.size]
        let source = Double((json as? UInt64) ?? 0)
        return [
            Figure(
                name: "daemon ready after a clean stop", value: ready, unit: "s", goal: .atMost(0.3)
            ),
            Figure(
                name: "daemon ready after kill -9", value: recovered, unit: "s", goal: .atMost(2)),
            Figure(
                name: "store, times the JSON it came from", value: Double(bytes) / source,
                unit: "x", goal: .atMost(1.8)),
        ]
    }
}

extension Stage {
    /// The size of a home's casebook files.
    fileprivate func storedBytes(in home: URL) throws -> Int {
        let folder = home.appending(path: "casebooks")
        let files = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: [.fileSizeKey])
        return try files.reduce(0) { sum, file in
            sum + (try file.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0)
        }
    }
}
