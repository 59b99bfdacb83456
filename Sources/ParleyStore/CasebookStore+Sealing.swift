import GRDB
package import ParleyCRDT
import ParleyLog
import ParleyWire

/// Sealing: the open tail of a log, many runs of a few changes, packed into large ones.
///
/// A change typed by hand is a batch of its own, so that writing it costs one small row. Large
/// batches are what disk and wire are cheap with. Packing takes whole runs with the signature of
/// the last; the changes, and so the hashes, stay what they are.
extension CasebookStore {
    /// Runs that make packing worth a rewrite.
    private static let minimumRuns = 32

    /// Packs what can be packed, off the writer's thread but for the exchange of rows. To be called
    /// when things are quiet.
    ///
    /// - Parameter minimumRuns: how many small runs must follow each other.
    /// - Returns: how many runs were packed into larger ones.
    @discardableResult
    package func seal(minimumRuns: Int = minimumRuns) async throws -> Int {
        var count = 0
        let minimum = max(minimumRuns, 2)
        for origin in try await originsOfSmallRuns(atLeast: minimum) {
            var after: UInt64 = 0
            while let small = try await smallRuns(of: origin, after: after, atLeast: minimum) {
                after = small.last
                count += try await seal(small)
            }
        }
        return count
    }

    /// Logs that have so many small runs, sorted: of very many logs few do, and looking at one takes
    /// time for all of them.
    private func originsOfSmallRuns(atLeast minimum: Int) async throws -> [Origin] {
        try await read { scope in
            let query = try Query(
                scope.db,
                "SELECT lane FROM batch WHERE last - first < ?1 GROUP BY lane HAVING count(*) >= ?2"
            )
            query.bind(1, RunGathering.smallRun)
            query.bind(2, minimum)
            let found = Set(try query.all { $0.int(0) })
            let lanes = try scope.lanes().lanes.filter { found.contains($0.number) }
            return Set(lanes.map(\.origin)).sorted()
        }
    }

    /// Runs as they were read, to be packed.
    package struct SmallRuns: Sendable {
        fileprivate let runs: [LogReader.Run]
        fileprivate var last: UInt64 { runs[runs.count - 1].last }
    }

    /// The next small runs of a log that follow each other and fit into one batch, only applied
    /// ones; `nil` where no more are worth it.
    package func smallRuns(
        of origin: Origin, after sequence: UInt64 = 0, atLeast minimum: Int
    ) async throws -> SmallRuns? {
        try await read { scope in
            guard let lane = try scope.lanes()[origin] else { return nil }
            let query = try Query(
                scope.db,
                """
                SELECT first, last, hashes, time, bytes FROM batch
                WHERE lane = ?1 AND first > ?2 AND last <= ?3 AND last - first < ?4
                    AND \(DamagedRun.none)
                ORDER BY first
                """)
            query.bind(1, lane.number)
            query.bind(2, sequence)
            query.bind(3, lane.applied.sequence)
            query.bind(4, RunGathering.smallRun)
            var gathering = RunGathering(minimum: minimum)
            try query.each { row in
                gathering.add(
                    LogReader.Run(
                        lane: lane.number, first: row.word(0), last: row.word(1),
                        hashes: row.bytes(2), time: row.word(3), bytes: row.bytes(4)))
            }
            return gathering.isWorthIt ? SmallRuns(runs: gathering.runs) : nil
        }
    }

    /// Packs runs, if they are still what was read.
    ///
    /// - Returns: how many.
    package func seal(_ small: SmallRuns) async throws -> Int {
        var runs = small.runs
        var bytes: [UInt8] = []
        let batches = try runs.map { try LogReader.decode($0) }
        while runs.count > 1 {
            do {
                bytes = try Batch.joining(Array(batches.prefix(runs.count)))
                break
            } catch StoreError.tooLarge {
                runs.removeLast((runs.count + 1) / 2)
            }
        }
        guard runs.count > 1 else { return 0 }
        let (sealed, joined) = (runs, bytes)
        return try await writer.perform { try $0.replace(sealed, with: joined) }
    }
}

/// Gathers small runs that follow each other until a batch is full.
private struct RunGathering {
    /// Changes up to which a run counts as small.
    static let smallRun = 256

    let minimum: Int
    private(set) var runs: [LogReader.Run] = []
    private var changeCount = 0

    init(minimum: Int) {
        self.minimum = minimum
    }

    var isWorthIt: Bool { runs.count >= minimum }

    /// - Returns: whether to go on with the next run.
    mutating func add(_ run: LogReader.Run) -> Bool {
        let follows = runs.last.map { $0.last + 1 == run.first } ?? true
        if !follows || changeCount + run.count > Limits.changesPerBatch {
            if isWorthIt { return false }
            runs = []
            changeCount = 0
        }
        runs.append(run)
        changeCount += run.count
        return true
    }
}

extension Transaction {
    /// Puts one run in the place of several, if they are still what was read.
    fileprivate func replace(_ runs: [LogReader.Run], with bytes: [UInt8]) throws -> Int {
        let (first, last) = (runs[0].first, runs[runs.count - 1].last)
        let query = try Query(
            db,
            "SELECT first, bytes FROM batch WHERE lane = ?1 AND first >= ?2 AND last <= ?3")
        query.bind(1, runs[0].lane)
        query.bind(2, first)
        query.bind(3, last)
        // Something may have been taken out of them meanwhile, or put back into them.
        let found = try query.all { ($0.word(0), $0.bytes(1)) }.sorted { $0.0 < $1.0 }
        guard found.map(\.0) == runs.map(\.first), found.map(\.1) == runs.map(\.bytes) else {
            return 0
        }
        try LogReader.delete(lane: runs[0].lane, from: first, through: last, db)
        log.forget()
        try LogReader.insert(
            LogReader.Run(
                lane: runs[0].lane, first: first, last: last, hashes: runs.flatMap(\.hashes),
                time: runs[0].time, bytes: bytes), db)
        return runs.count
    }
}
