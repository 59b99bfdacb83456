import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// Reads changes and hashes out of the stored batches, keeping the last few decoded.
///
/// Belongs to one transaction or snapshot.
final class LogReader {
    /// A stored batch.
    struct Run: Sendable {
        let lane: Int
        let first: UInt64
        let last: UInt64
        let hashes: [UInt8]
        /// Hybrid time of the first change, raw; 0 where it isn't known or wasn't asked for.
        var time: UInt64 = 0
        /// As stored; empty where only hashes were asked for.
        let bytes: [UInt8]

        var count: Int { isPlausible ? Int(last - first) + 1 : 0 }

        /// Whether its range can be one at all; what a damaged row says may not.
        var isPlausible: Bool {
            0 < first && first <= last && last <= RecordKey.maximumSequence
        }

        func contains(_ lane: Int, _ sequence: UInt64) -> Bool {
            self.lane == lane && first <= sequence && sequence <= last
        }

        func hash(of sequence: UInt64) throws -> Digest {
            guard first <= sequence, sequence - first < hashes.count / Digest.byteCount else {
                throw StoreError.damaged("a batch's hashes")
            }
            let start = Int(sequence - first) * Digest.byteCount
            return try Digest(stored: Array(hashes[start..<start + Digest.byteCount]))
        }
    }

    private struct Extract {
        let hash: Digest
        let content: RecentChanges.Extract
    }

    private static let hashRunLimit = 64
    /// Changes kept decoded.
    private static let changeLimit = 8192
    /// Runs of so few changes are decoded whole.
    private static let smallRun = 64
    private static let extractLimit = 256
    private static let largeRunLimit = 8

    private let db: Database
    private var runs: [Run] = []
    private var batches: [(run: Run, batch: Batch)] = []
    private var decodedCount = 0
    private var extracts: [RecentChanges.Key: Extract] = [:]
    /// Read last.
    private var largeRuns: [Run] = []
    private let recent: RecentChanges.View?

    /// - Parameter recent: what earlier reads of the same store decoded.
    init(_ db: Database, recent: RecentChanges.View? = nil) {
        self.db = db
        self.recent = recent
    }

    /// Forgets what a rolled-back savepoint may have taken away.
    func forget() {
        runs.removeAll()
        batches.removeAll()
        decodedCount = 0
        extracts.removeAll()
        largeRuns.removeAll()
    }

    /// The hash of a change, `nil` where it isn't held.
    func hash(_ lane: Int, _ sequence: UInt64) throws -> Digest? {
        if let run = runs.last(where: { $0.contains(lane, sequence) }) {
            return try run.hash(of: sequence)
        }
        guard let run = try run(lane, containing: sequence, withBytes: false) else { return nil }
        if runs.count >= LogReader.hashRunLimit { runs.removeFirst(LogReader.hashRunLimit / 2) }
        runs.append(run)
        return try run.hash(of: sequence)
    }

    /// A change and its hash, `nil` where it isn't held.
    ///
    /// Who asks for one change of a large batch is given it without the others, unless they are asked for
    /// in turn.
    func change(_ lane: Int, _ sequence: UInt64) throws -> (change: Change, hash: Digest)? {
        if let extract = try extract(lane, sequence) {
            return (extract.content.change, extract.hash)
        }
        guard let (run, batch) = try batch(lane, containing: sequence) else { return nil }
        return (batch.changes[Int(sequence - run.first)], try run.hash(of: sequence))
    }

    /// What the authors of consecutive changes of a lane had come to know, each since the one before.
    ///
    /// - Throws: `damaged` where one of them isn't held.
    func contextDeltas(
        _ lane: Int, _ sequences: ClosedRange<UInt64>
    ) throws -> [[Clock.Entry]] {
        if let last = try extract(lane, sequences.upperBound)?.content {
            let (first, own) = (sequences.lowerBound, last.contextDeltas)
            guard first < last.first else { return Array(own.suffix(sequences.count)) }
            // The others are in the batch before.
            return try contextDeltas(lane, first...last.first - 1) + own
        }
        return try sequences.map { sequence in
            guard let (change, _) = try change(lane, sequence) else {
                throw StoreError.damaged("a log has a gap")
            }
            return change.contextDelta
        }
    }

    /// A change without the others of its batch, `nil` where all are decoded or shall be.
    private func extract(_ lane: Int, _ sequence: UInt64) throws -> Extract? {
        let key = RecentChanges.Key(lane: lane, sequence: sequence)
        if let known = extracts[key] { return known }
        let isDecoded = batches.contains { $0.run.contains(lane, sequence) }
        guard !isDecoded, !isReadInTurn(key), let hash = try hash(lane, sequence) else {
            return nil
        }
        let content: RecentChanges.Extract
        if let known = recent?.extract(key, hash) {
            content = known
        } else {
            guard let run = try largeRun(lane, sequence) else { return nil }
            content = try LogReader.extract(sequence, of: run)
            recent?.note(content, as: key, hash)
        }
        if extracts.count >= LogReader.extractLimit { extracts.removeAll() }
        let extract = Extract(hash: hash, content: content)
        extracts[key] = extract
        return extract
    }

    /// The run that holds a change, where it is no small one. A small one is decoded.
    private func largeRun(_ lane: Int, _ sequence: UInt64) throws -> Run? {
        if let known = largeRuns.last(where: { $0.contains(lane, sequence) }) { return known }
        guard let run = try run(lane, containing: sequence, withBytes: true) else { return nil }
        guard run.count > LogReader.smallRun else {
            try keep(run)
            return nil
        }
        if largeRuns.count >= LogReader.largeRunLimit { largeRuns.removeFirst() }
        largeRuns.append(run)
        return run
    }

    /// Whether the two changes before or behind one were asked for, so that all are likely to be.
    private func isReadInTurn(_ key: RecentChanges.Key) -> Bool {
        func has(_ step: Int64) -> Bool {
            let sequence = key.sequence.addingReportingOverflow(UInt64(bitPattern: step))
                .partialValue
            return extracts[RecentChanges.Key(lane: key.lane, sequence: sequence)] != nil
        }
        return has(-1) && has(-2) || has(1) && has(2)
    }

    private static func extract(
        _ sequence: UInt64, of run: Run
    ) throws -> RecentChanges.Extract {
        guard let part = try? Batch.part(sequence...sequence, of: run.bytes),
            let change = part.changes.first, change.sequence == sequence,
            part.contextDeltas.count == run.count
        else { throw StoreError.damaged("a stored batch") }
        let interval = Transaction.contextInterval
        let first = max((sequence - 1) / interval * interval + 1, run.first)
        let end = Int(sequence - run.first) + 1
        return RecentChanges.Extract(
            change: change,
            contextDeltas: Array(part.contextDeltas[Int(first - run.first)..<end]), first: first)
    }

    /// The salts of a change, `nil` where it isn't held.
    func salts(_ lane: Int, _ sequence: UInt64) throws -> ChangeSalts? {
        guard let (run, batch) = try batch(lane, containing: sequence) else { return nil }
        return batch.changeSalts[Int(sequence - run.first)]
    }

    /// The decoded batch that holds a change.
    func batch(_ lane: Int, containing sequence: UInt64) throws -> (run: Run, batch: Batch)? {
        if let index = batches.lastIndex(where: { $0.run.contains(lane, sequence) }) {
            let found = batches[index]
            // The most recently used stays longest.
            if index != batches.count - 1 {
                batches.remove(at: index)
                batches.append(found)
            }
            return found
        }
        let large = largeRuns.last { $0.contains(lane, sequence) }
        guard let run = try large ?? run(lane, containing: sequence, withBytes: true) else {
            return nil
        }
        try keep(run)
        return batches[batches.count - 1]
    }

    /// Decodes a run, and forgets those that were used longest ago.
    private func keep(_ run: Run) throws {
        batches.append((run, try LogReader.decode(run)))
        decodedCount += run.count
        while decodedCount > LogReader.changeLimit, batches.count > 1 {
            decodedCount -= batches.removeFirst().run.count
        }
    }

    /// Checks that every log ends where its lane says, and that the own one ends as it was signed:
    /// the rest of what is stored follows from there, and what is written next continues it.
    ///
    /// - Throws: `damaged`.
    func checkEnds(of draft: Draft) throws {
        let logs = HeldLogs(lanes: draft.lanes) { try self.hash($0, $1) }
        for lane in draft.lanes.lanes where try !logs.hasPoints(of: lane) {
            throw StoreError.damaged("the end of a log")
        }
        guard let own = draft.lanes[draft.casebook.origin], own.held.sequence > 0,
            let (run, batch) = try batch(own.number, containing: own.held.sequence)
        else { return }
        let previous = try hash(own.number, run.first - 1) ?? .zero
        let head = Head(
            casebook: draft.casebook.id, origin: own.origin, sequence: own.held.sequence,
            hash: own.held.hash)
        guard try VerifiedBatch.hashes(of: batch, after: previous).last == own.held.hash,
            head.isSigned(with: batch.signature)
        else { throw StoreError.damaged("the end of the own log") }
    }

    static func decode(_ run: Run) throws -> Batch {
        do {
            let batch = try Batch.decode(run.bytes)
            guard batch.first == run.first, batch.last == run.last else {
                throw StoreError.damaged("a batch's range")
            }
            return batch
        } catch is WireError {
            throw StoreError.damaged("a stored batch")
        }
    }

    private func run(
        _ lane: Int, containing sequence: UInt64, withBytes: Bool
    ) throws -> Run? {
        let query = try Query(
            db,
            """
            SELECT first, last, hashes\(withBytes ? ", bytes" : "") FROM batch
            WHERE lane = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1
            """)
        query.bind(1, lane)
        query.bind(2, sequence)
        let run = try query.first { row in
            Run(
                lane: lane, first: row.word(0), last: row.word(1), hashes: row.bytes(2),
                bytes: withBytes ? row.bytes(3) : [])
        }
        return run.flatMap { $0.contains(lane, sequence) ? $0 : nil }
    }

    /// The run that begins with a change, `nil` where none does.
    static func run(lane: Int, first: UInt64, _ db: Database) throws -> Run? {
        let query = try Query(
            db,
            "SELECT last, hashes, bytes, time FROM batch WHERE lane = ?1 AND first = ?2")
        query.bind(1, lane)
        query.bind(2, first)
        return try query.first { row in
            Run(
                lane: lane, first: first, last: row.word(0), hashes: row.bytes(1),
                time: row.word(3), bytes: row.bytes(2))
        }
    }

    /// Takes out the runs of a lane that lie within a range whole.
    ///
    /// - Returns: whether there were any.
    @discardableResult
    static func delete(
        lane: Int, from first: UInt64, through last: UInt64, _ db: Database
    ) throws -> Bool {
        let query = try Query(
            db, "DELETE FROM batch WHERE lane = ?1 AND first >= ?2 AND last <= ?3")
        query.bind(1, lane)
        query.bind(2, first)
        query.bind(3, last)
        try query.run()
        return db.changesCount > 0
    }

    /// Adds a run of a lane. The caller has seen to it that it follows what is held.
    static func insert(
        lane: Int, first: Change, hashes: [Digest], bytes: [UInt8], _ db: Database
    ) throws {
        var joined: [UInt8] = []
        joined.reserveCapacity(hashes.count * Digest.byteCount)
        for hash in hashes { joined.append(contentsOf: hash.bytes) }
        try insert(
            Run(
                lane: lane, first: first.sequence,
                last: first.sequence + UInt64(hashes.count - 1), hashes: joined,
                time: first.time.rawValue, bytes: bytes), db)
    }

    static func insert(_ run: Run, _ db: Database) throws {
        let query = try Query(
            db,
            """
            INSERT INTO batch (lane, first, last, hashes, bytes, time)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """)
        query.bind(1, run.lane)
        query.bind(2, run.first)
        query.bind(3, run.last)
        query.bind(4, blob: run.hashes)
        query.bind(5, blob: run.bytes)
        query.bind(6, run.time)
        try query.run()
    }
}
