import ArgumentParser
import Foundation
import ParleyWorkload

/// What `Scripts/bench` runs: a workload, SQLite's floor for it, and real daemons on it.
@main
struct ParleyBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ParleyBench", abstract: "Measures Parley against SQLite's floor.",
        subcommands: [
            MakeWorkload.self, MeasureFloor.self, MeasureDaemons.self, MeasureGrowth.self,
            TimeIntake.self,
        ])
}

struct MakeWorkload: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workload", abstract: "Write records as JSON lines, the same on every run.")

    @Option(help: "How many.") var records = 10_000
    @Option(help: "The folder; base.jsonl is written there.") var out: String

    func validate() throws { try requirePositive(records) }

    func run() throws {
        let folder = URL(filePath: out)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "base.jsonl")
        let byteCount = try Workload().write(records: records, to: file)
        print("\(file.path): \(records) records, \(byteCount) bytes")
    }
}

struct MeasureFloor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "floor", abstract: "What SQLite alone takes to store the same rows durably.")

    @Option(help: "How many.") var records = 10_000
    @Option(help: "The folder for the database, on the disk that matters.") var out: String?

    func validate() throws { try requirePositive(records) }

    func run() throws {
        let folder = try TemporaryFolder(inside: out)
        defer { folder.remove() }
        let floor = try SQLiteFloor.measure(records: records, in: folder.url)
        print("\(records) records as log and rows: \(Figure.text(floor.intakeSeconds)) s")
        print("durable edits one after the other: \(Figure.text(floor.editsPerSecond)) a second")
    }
}

struct MeasureDaemons: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemons",
        abstract: "Measure two daemons on loopback, and the floor with them.")

    @Option(help: "How many records.") var records = 10_000
    @Option(help: "How many edits each side makes while apart.") var edits = 1_000
    @Option(help: "How many members look on at once.") var onlookers = 256
    @Option(help: "The folder that holds parley and parleyd.") var programs: String
    @Option(help: "Where to work, on the disk that matters.") var out: String?
    @Flag(help: "Print JSON.") var json = false
    @Option(help: "Write JSON to this file as well.") var save: String?
    @Flag(help: "Leave the homes and the workload behind.") var keep = false

    func validate() throws {
        try requirePositive(records)
        guard (1...1_000).contains(onlookers) else {
            throw ValidationError("--onlookers can't be \(onlookers): give 1 to 1000")
        }
        guard (1...records).contains(edits) else {
            throw ValidationError("--edits can't be \(edits): give 1 to the number of records")
        }
    }

    func run() async throws {
        let folder = try TemporaryFolder(inside: out)
        defer { if !keep { folder.remove() } }
        let floor = try SQLiteFloor.measure(records: records, in: folder.url)
        let stage = Stage(
            programs: try Programs(folder: URL(filePath: programs)), folder: folder.url,
            size: Stage.Size(records: records, edits: edits, onlookers: onlookers), floor: floor)
        let report = Report(
            records: records, edits: edits, figures: try await DaemonBench(stage: stage).run())
        print(json ? try report.json : report.table)
        if let save { try report.json.write(toFile: save, atomically: true, encoding: .utf8) }
        if keep { print("left in \(folder.url.path)") }
    }
}

struct MeasureGrowth: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "growth",
        abstract: "Measure two daemons while one thing grows and the others stay.")

    @Option(
        parsing: .upToNextOption,
        help: "Which: \(GrowthSeries.allCases.map(\.rawValue).joined(separator: ", ")).")
    var series: [GrowthSeries] = GrowthSeries.allCases
    @Option(help: "No count above that.") var most = 1_000_000
    @Option(help: "The folder that holds parley and parleyd.") var programs: String
    @Option(help: "Where to work, on the disk that matters.") var out: String?
    @Flag(help: "Print JSON.") var json = false
    @Option(help: "Write JSON to this file as well.") var save: String?
    @Option(help: "Draw the costs of records and logs to this file, as SVG.") var plot: String?

    func run() async throws {
        let folder = try TemporaryFolder(inside: out)
        defer { folder.remove() }
        let growth = Growth(
            programs: try Programs(folder: URL(filePath: programs)), folder: folder.url)
        var measured: [(kind: GrowthSeries, points: [GrowthPoint])] = []
        for kind in series where kind != .onlookers {
            measured.append((kind, try await growth.run(kind, upTo: most)))
        }
        let report = GrowthReport(
            series: measured,
            sessions: series.contains(.onlookers) ? try await growth.sessions(upTo: most) : [])
        print(json ? try report.json : report.table)
        if let save { try report.json.write(toFile: save, atomically: true, encoding: .utf8) }
        if let plot {
            let drawing = report.drawing(of: [.records, .origins])
            try drawing.write(toFile: plot, atomically: true, encoding: .utf8)
        }
    }
}

extension GrowthSeries: ExpressibleByArgument {}

struct TimeIntake: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "intake",
        abstract: "Time how a run of somebody else's edits is checked and stored, over and over.")

    @Option(help: "How many records there are.") var records = 20_000
    @Option(help: "How many of them are edited, at most 1024.") var edits = 1_000
    @Option(help: "How often.") var times = 3
    @Option(help: "Where to work, on the disk that matters.") var out: String?

    func run() async throws {
        for number in 0..<times {
            let folder = try TemporaryFolder(inside: out)
            defer { folder.remove() }
            let (checking, storing) = try await CasebookBuilder.timeIntake(
                records: records, edits: edits, in: folder.url.appending(path: "home\(number)"))
            print("checked in \(Figure.text(checking)) s, stored in \(Figure.text(storing)) s")
        }
    }
}

private func requirePositive(_ records: Int) throws {
    if records < 1 { throw ValidationError("--records can't be \(records): give 1 or more") }
}

/// A fresh folder to work in.
struct TemporaryFolder {
    let url: URL

    init(inside parent: String?) throws {
        let parent = parent.map { URL(filePath: $0) } ?? FileManager.default.temporaryDirectory
        // Short, because the path of a Unix socket must fit 108 bytes.
        url = parent.appending(path: "parley-bench-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func remove() {
        try? FileManager.default.removeItem(at: url)
    }
}
