import ArgumentParser
import Foundation
import ParleySimulation

/// Many seeds until one fails, shared out among processes.
struct Campaign {
    let first: UInt64
    let count: UInt64
    let processes: Int
    let isShortening: Bool
    /// Where the rows go for Protocol/assurance.md.
    let results: String?
    /// Where a share of a campaign leaves its sum, instead of reporting it.
    let tally: String?

    private struct Sum: Codable {
        var acknowledged = 0
        var deletes = 0
        var events = 0
        var slowest: UInt64 = 0
        var repeated = 0

        static func + (left: Sum, right: Sum) -> Sum {
            Sum(
                acknowledged: left.acknowledged + right.acknowledged,
                deletes: left.deletes + right.deletes, events: left.events + right.events,
                slowest: max(left.slowest, right.slowest),
                repeated: left.repeated + right.repeated)
        }
    }

    func run() async throws {
        let start = first == 0 ? UInt64(Date().timeIntervalSince1970) * 1_000 : first
        print("seeds \(start) to \(start + count - 1)")
        fflush(nil)
        let began = ContinuousClock.now
        let shares = UInt64(max(1, min(processes, Int(count))))
        let sum = try await shares == 1 ? run(from: start) : share(start, among: shares)
        if let tally {
            try JSONEncoder().encode(sum).write(to: URL(filePath: tally))
        } else {
            try report(sum, took: ContinuousClock.now - began)
        }
    }

    private func run(from start: UInt64) async throws -> Sum {
        var sum = Sum()
        for seed in start..<start + count {
            do {
                try await run(seed, &sum)
            } catch let violation as Violation {
                print("seed \(seed): \(violation)")
                if isShortening {
                    await Campaign.shorten(seed)
                } else {
                    print("again: Scripts/simulate --seed \(seed)")
                }
                throw ExitCode.failure
            } catch {
                // What nobody expected is a failure as well.
                print("seed \(seed): \(error)")
                print("again: Scripts/simulate --seed \(seed)")
                throw ExitCode.failure
            }
        }
        return sum
    }

    /// Runs a part of the seeds in each of some processes; all of them end when one fails.
    private func share(_ start: UInt64, among shares: UInt64) async throws -> Sum {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "simulate-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (codes, ended) = AsyncStream.makeStream(of: Int32.self)
        var running: [Process] = []
        for share in 0..<shares {
            let (from, until) = (count * share / shares, count * (share + 1) / shares)
            let process = Process()
            process.executableURL = Campaign.program
            process.arguments =
                [
                    "--from", "\(start + from)", "--seeds", "\(until - from)", "--processes", "1",
                    "--tally", folder.appending(path: "\(share)").path,
                ] + (isShortening ? [] : ["--whole"])
            process.terminationHandler = { ended.yield($0.terminationStatus) }
            try process.run()
            running.append(process)
        }
        var left = running.count
        for await code in codes {
            guard code == 0 else {
                for process in running where process.isRunning { process.terminate() }
                throw ExitCode.failure
            }
            left -= 1
            if left == 0 { break }
        }
        return try (0..<shares).reduce(Sum()) { sum, share in
            let data = try Data(contentsOf: folder.appending(path: "\(share)"))
            return sum + (try JSONDecoder().decode(Sum.self, from: data))
        }
    }

    private static var program: URL { URL(filePath: "/proc/self/exe").resolvingSymlinksInPath() }

    /// Every hundredth seed runs twice, the second time in another process, where sets and dictionaries
    /// have another order: the same must happen.
    private func run(_ seed: UInt64, _ sum: inout Sum) async throws {
        let outcome = try await World(seed: seed).run()
        sum.acknowledged += outcome.acknowledged
        sum.deletes += outcome.deletes
        sum.events += outcome.events
        sum.slowest = max(sum.slowest, outcome.milliseconds)
        guard seed % 100 == 0 else { return }
        sum.repeated += 1
        guard try Campaign.trace(of: seed) == outcome.trace else {
            throw Violation("another process does something else with the same seed")
        }
    }

    private static func trace(of seed: UInt64) throws -> UInt64? {
        let process = Process()
        process.executableURL = program
        process.arguments = ["--seed", "\(seed)", "--whole"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.firstMatch(of: /trace: (\d+)/).flatMap { UInt64($0.1) }
    }

    private func report(_ sum: Sum, took: Duration) throws {
        let seconds = Double(took / .milliseconds(1)) / 1_000
        let each = "\(count) seeds, 0"
        let isWhole = count >= 20_000
        let rows: [(goal: String, check: String, figure: String, isEnough: Bool)] = [
            ("G1", "simulated histories end in one state", each, isWhole),
            (
                "G2", "acknowledged edits of simulated users",
                "\(sum.acknowledged) edits, 0 lost", sum.acknowledged >= 1_000_000
            ),
            ("G4", "causes of what shows, after each simulated event", each, isWhole),
            (
                "G5", "deletes of simulated users", "\(sum.deletes) deletes, 0 came back",
                sum.deletes >= 100_000
            ),
            ("G6", "places in all logs of simulated nodes", each, isWhole),
            ("G8", "published clocks, after each simulated event and restart", each, isWhole),
            ("G12", "simulated restores, rollbacks and clones", each, isWhole),
            ("G13", "hybrid times of simulated edits", each, isWhole),
            (
                "G17", "simulated time to one state, faults over",
                "\(sum.slowest / 1_000) s at most", isWhole
            ),
            (
                "G28", "a seed run in a second process does the same",
                "\(sum.repeated) seeds, 0 differences", isWhole
            ),
        ]
        for row in rows { print("\(row.goal)  \(row.check): \(row.figure)") }
        print("\(sum.events) events in \(Int(seconds)) s")
        guard let results else { return }
        let lines = try rows.map { row in
            String(
                decoding: try JSONEncoder().encode(
                    Row(
                        goal: row.goal, check: row.check, command: "Scripts/simulate",
                        figure: row.figure, met: row.isEnough ? true : nil, seconds: seconds)),
                as: UTF8.self)
        }
        let file = URL(filePath: results)
        let before = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        try (before + lines.joined(separator: "\n") + "\n").write(
            to: file, atomically: true, encoding: .utf8)
    }

    private struct Row: Encodable {
        let goal, check, command, figure: String
        /// Missing where fewer were run than is demanded.
        let met: Bool?
        let seconds: Double
    }

    /// Leaves out acts as long as it still fails.
    static func shorten(_ seed: UInt64) async {
        var kept = Array(0..<World.actCount(of: seed))
        print("shortening \(kept.count) acts ...")
        var step = max(1, kept.count / 2)
        var last: Violation?
        while true {
            var place = 0
            while place < kept.count {
                let without = Array(kept[..<place] + kept[min(place + step, kept.count)...])
                if let violation = await fails(seed, without) {
                    (kept, last) = (without, violation)
                } else {
                    place += step
                }
            }
            guard step > 1 else { break }
            step /= 2
        }
        if let last { print("with \(kept.count) acts: \(last)") }
        print("again: Scripts/simulate --seed \(seed) --keep \(ActList(kept).text) --trace")
    }

    private static func fails(_ seed: UInt64, _ acts: [Int]) async -> Violation? {
        do {
            _ = try await World(seed: seed, keeping: Set(acts)).run()
            return nil
        } catch {
            return error as? Violation
        }
    }
}

/// Acts by number, as one types them: `0-12,17`.
struct ActList {
    let numbers: Set<Int>

    init(_ numbers: [Int]) {
        self.numbers = Set(numbers)
    }

    init?(_ text: String) {
        var numbers: Set<Int> = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-").map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2,
                first <= last
            else { return nil }
            numbers.formUnion(first...last)
        }
        self.numbers = numbers
    }

    var text: String {
        var parts: [String] = []
        var rest = numbers.sorted()[...]
        while let first = rest.first {
            var last = first
            while rest.first == last {
                rest.removeFirst()
                last += 1
            }
            parts.append(first == last - 1 ? "\(first)" : "\(first)-\(last - 1)")
        }
        return parts.joined(separator: ",")
    }
}
