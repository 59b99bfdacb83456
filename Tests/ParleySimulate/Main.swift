import ArgumentParser
import Foundation
import ParleySimulation

/// What `Scripts/simulate` runs.
@main
struct ParleySimulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run whole nodes on simulated time, network and disks.",
        discussion: """
            Stops at the first seed that fails, shortens its history and prints the line that \
            repeats it.
            """)

    @Option(help: "Run this seed alone.") var seed: UInt64?
    @Option(help: "How many seeds.") var seeds: UInt64 = 100
    @Option(help: "The first of them; 0 for one of the day.") var from: UInt64 = 1
    @Option(help: "In how many processes at once; as many as there are cores where it isn't given.")
    var processes = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: "Which acts happen, e.g. 0-12,17.") var keep: String?
    @Flag(help: "Print all that happens.") var trace = false
    @Flag(help: "Don't shorten the history of a failure.") var whole = false
    @Option(help: "Append a result for Protocol/assurance.md to this file.") var results: String?
    @Option(help: .hidden) var tally: String?

    func validate() throws {
        guard let keep else { return }
        guard seed != nil, ActList(keep) != nil else {
            throw ValidationError("--keep takes numbers and ranges, e.g. 0-12,17, with --seed.")
        }
    }

    func run() async throws {
        if let seed {
            try await repeatOne(seed)
        } else {
            try await Campaign(
                first: from, count: seeds, processes: processes, isShortening: !whole,
                results: results, tally: tally
            ).run()
        }
    }

    private func repeatOne(_ seed: UInt64) async throws {
        let kept = keep.flatMap { ActList($0)?.numbers }
        do {
            let outcome = try await World(seed: seed, keeping: kept, isVerbose: trace).run()
            print("seed \(seed): all holds; \(outcome)")
        } catch let violation as Violation {
            print("seed \(seed): \(violation)")
            if kept == nil, !whole { await Campaign.shorten(seed) }
            throw ExitCode.failure
        }
    }
}
