import Foundation
import ParleyControl
import ParleyWorkload

/// What costs come to as one thing grows and the others stay.
enum GrowthSeries: String, CaseIterable {
    case records, origins, history, conflicts, casebooks, onlookers

    /// What is counted, for people.
    var title: String {
        switch self {
        case .records: "records, one in a hundred in conflict"
        case .origins: "logs that hold 10000 records"
        case .history: "edits of each of 1000 records"
        case .conflicts: "open conflicts among 20000 records"
        case .casebooks: "casebooks of 100 records"
        case .onlookers: "members who look on"
        }
    }

    func counts(upTo limit: Int) -> [Int] {
        let all =
            switch self {
            case .records: [10_000, 100_000, 1_000_000]
            case .origins: [1, 10, 100, 1_000]
            case .history: [1, 10, 100]
            case .conflicts: [0, 100, 1_000, 10_000]
            case .casebooks: [1, 10, 100]
            case .onlookers: [1, 16, 64, 256]
            }
        return all.filter { $0 <= limit }
    }

    func shape(_ count: Int) -> CasebookShape {
        switch self {
        case .records: CasebookShape(records: count, conflicts: count / 100)
        case .origins: CasebookShape(records: 10_000, origins: count)
        case .history: CasebookShape(records: 1_000, editsPerRecord: count)
        case .conflicts: CasebookShape(records: 20_000, conflicts: count)
        case .casebooks: CasebookShape(records: 100)
        case .onlookers: CasebookShape(records: 100, onlookers: count)
        }
    }

    /// Changes that a cold sync brings, for costs of each.
    func changes(_ count: Int) -> Int {
        switch self {
        case .records: count + 2 * (count / 100)
        case .origins: 10_000
        case .history: 1_000 * (1 + count)
        case .conflicts: 20_000 + 2 * count
        case .casebooks: 100 * count
        case .onlookers: 100
        }
    }
}

/// What two daemons take for one casebook, or several.
struct GrowthPoint: Encodable {
    let count: Int
    let changes: Int
    /// What SQLite alone takes for as many rows.
    let floorSeconds: Double
    let coldSeconds: Double
    let coldBytes: Int
    let senderMebibytes: Double
    let receiverMebibytes: Double
    let readySeconds: Double
    /// After `kill -9`.
    let recoveredSeconds: Double
    let idleSeconds: Double
    let idleBytes: Int
    let reconnectSeconds: Double
    let reconnectBytes: Int
    let editMilliseconds: Double
    let showMilliseconds: Double
    let listMilliseconds: Double
    let indexedListMilliseconds: Double
    let findMilliseconds: Double
    let conflictListMilliseconds: Double
}

/// Runs one series, each count with homes of its own.
struct Growth {
    private static let editsApart = 100

    let programs: Programs
    let folder: URL

    func run(_ series: GrowthSeries, upTo limit: Int) async throws -> [GrowthPoint] {
        var points: [GrowthPoint] = []
        for count in series.counts(upTo: limit) {
            let own = folder.appending(path: "\(series.rawValue)\(count)")
            try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: own) }
            points.append(try await measure(series, count, in: own))
        }
        return points
    }

    /// One daemon and more and more who look on.
    func sessions(upTo limit: Int) async throws -> [SessionsPoint] {
        let stage = Stage(
            programs: programs, folder: folder, size: Stage.Size(records: 100, edits: 0),
            floor: try SQLiteFloor.measure(records: 100, in: folder))
        var points: [SessionsPoint] = []
        for count in GrowthSeries.onlookers.counts(upTo: limit) {
            points.append(try await Onlookers(stage: stage).measure(count))
        }
        return points
    }

    private func measure(
        _ series: GrowthSeries, _ count: Int, in folder: URL
    ) async throws -> GrowthPoint {
        let changes = series.changes(count)
        let stage = Stage(
            programs: programs, folder: folder,
            size: Stage.Size(records: series.shape(count).records, edits: Growth.editsApart),
            floor: try SQLiteFloor.measure(records: changes, in: folder))
        stage.note("\(count) \(series.title)")
        try stage.makeHomes()
        for number in 1...(series == .casebooks ? count : 1) {
            try await CasebookBuilder.build(
                series.shape(count), name: "bench\(number)", in: stage.source)
        }
        return try GrowthRun(stage: stage, count: count, changes: changes).measure()
    }
}

/// The measurements of one point.
private struct GrowthRun {
    let stage: Stage
    let count: Int
    let changes: Int

    private struct Cold {
        let seconds: Double
        let traffic: Traffic
        let memory: (sender: Double, receiver: Double)
        let address: String
    }

    private struct Meeting {
        let seconds: Double
        let traffic: Traffic
        var ready = 0.0
    }

    func measure() throws -> GrowthPoint {
        let cold = try cold()
        let idle = try meet(at: cold.address)
        let edit = try editApart(at: cold.address)
        let reconnect = try meet(at: cold.address)
        let recovered = try recover(at: cold.address)
        let answers = try answers(at: cold.address)
        return GrowthPoint(
            count: count, changes: changes, floorSeconds: stage.floor.intakeSeconds,
            coldSeconds: cold.seconds, coldBytes: cold.traffic.bytesIn,
            senderMebibytes: cold.memory.sender, receiverMebibytes: cold.memory.receiver,
            readySeconds: idle.ready, recoveredSeconds: recovered, idleSeconds: idle.seconds,
            idleBytes: idle.traffic.bytesIn,
            reconnectSeconds: reconnect.seconds, reconnectBytes: reconnect.traffic.bytesIn,
            editMilliseconds: edit, showMilliseconds: answers.show,
            listMilliseconds: answers.list,
            indexedListMilliseconds: answers.indexedList,
            findMilliseconds: answers.find,
            conflictListMilliseconds: answers.conflictList)
    }

    private func cold() throws -> Cold {
        try stage.withDaemons(in: [stage.source, stage.target]) { daemons in
            let (sender, receiver) = (daemons[0], daemons[1])
            let names = try sender.status().casebooks.map(\.name)
            var traffic = Traffic()
            let seconds = try Stopwatch.seconds {
                for name in names { try stage.join(stage.target, sender, casebook: name) }
                traffic = try stage.meet(sender, receiver)
            }
            return Cold(
                seconds: seconds, traffic: traffic,
                memory: (try sender.peakMemory, try receiver.peakMemory), address: sender.address)
        }
    }

    /// Both start, meet and have nothing left to exchange.
    private func meet(at address: String) throws -> Meeting {
        try stage.withDaemons(in: [stage.source, stage.target], listen: address) { daemons in
            var traffic = Traffic()
            let seconds = try Stopwatch.seconds {
                traffic = try stage.meet(daemons[0], daemons[1])
            }
            return Meeting(
                seconds: seconds, traffic: traffic, ready: daemons[0].secondsUntilReady)
        }
    }

    /// - Returns: milliseconds for an edit of the source.
    private func editApart(at address: String) throws -> Double {
        var milliseconds = 0.0
        for (home, listen) in [(stage.source, address), (stage.target, Stage.anyPort)] {
            try stage.withDaemons(in: [home], listen: listen) { daemons in
                let client = try daemons[0].client()
                let casebook = try daemons[0].status().casebooks[0].name
                let records = try daemons[0].records(stage.size.edits, casebook: casebook)
                let seconds = try Stopwatch.seconds {
                    for record in records {
                        try client.edit(
                            Workload.Edit(
                                record: record, field: "title", value: "seen by \(home.path)"),
                            casebook: casebook)
                    }
                }
                if home == stage.source { milliseconds = seconds * 1e3 / Double(records.count) }
            }
        }
        return milliseconds
    }

    /// - Returns: seconds until a daemon is ready whose predecessor was killed behind an edit.
    private func recover(at address: String) throws -> Double {
        try stage.withDaemons(in: [stage.source], listen: address) { daemons in
            let casebook = try daemons[0].status().casebooks[0].name
            let record = try daemons[0].records(1, casebook: casebook)[0]
            let edit = Workload.Edit(
                record: record, field: "url", value: "https://archive.example.org/")
            try daemons[0].client().edit(edit, casebook: casebook)
            daemons[0].kill()
        }
        return try stage.withDaemons(in: [stage.source], listen: address) {
            $0[0].secondsUntilReady
        }
    }

    private func answers(at address: String) throws -> Answers {
        try stage.withDaemons(in: [stage.source], listen: address) { daemons in
            try Answers(
                Questions(
                    to: daemons[0], casebook: daemons[0].status().casebooks[0].name, records: 1_000)
            )
        }
    }
}

/// Milliseconds of the slowest in a hundred.
private struct Answers {
    let show: Double
    let list: Double
    let indexedList: Double
    let find: Double
    let conflictList: Double

    init(_ questions: Questions) throws {
        show = try questions.slowest(.show)
        list = try questions.slowest(.list)
        indexedList = try questions.slowest(.indexedList)
        find = try questions.slowest(.find)
        conflictList = try questions.slowest(.conflictList)
    }
}
