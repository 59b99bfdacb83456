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

    /// Some neighbouring changes of a stored batch.
    private struct Block {
        let run: Run
        let first: UInt64
        let changes: [Change]

        func contains(_ lane: Int, _ sequence: UInt64) -> Bool {
            run.lane == lane && first <= sequence && sequence - first < changes.count
        }
    }

    private static let hashRunLimit = 64
    /// Changes kept decoded.
    private static let changeLimit = 8192
    /// Changes that are made when one is asked for: those from which its context follows.
    private static let blockSize = Transaction.contextInterval
    private static let blockLimit = 64

    private let db: Database
    private var runs: [Run] = []
    private var batches: [(run: Run, batch: Batch)] = []
    private var decodedCount = 0
    private var blocks: [Block] = []

    init(_ db: Database) {
        self.db = db
    }

    /// Forgets what a rolled-back savepoint may have taken away.
    func forget() {
        runs.removeAll()
        batches.removeAll()
        decodedCount = 0
        blocks.removeAll()
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
    /// Who asks for one change of a large batch is given it without the others; who asks for a second
    /// one far from it is likely to want them all.
    func change(_ lane: Int, _ sequence: UInt64) throws -> (change: Change, hash: Digest)? {
        if let block = blocks.last(where: { $0.contains(lane, sequence) }) {
            let change = block.changes[Int(sequence - block.first)]
            return (change, try block.run.hash(of: sequence))
        }
        let isDecoded = batches.contains { $0.run.contains(lane, sequence) }
        let wasAsked = blocks.contains { $0.run.contains(lane, sequence) }
        if !isDecoded, !wasAsked,
            let run = try run(lane, containing: sequence, withBytes: true),
            run.count > 2 * LogReader.blockSize
        {
            let block = try LogReader.block(of: run, around: sequence)
            if blocks.count >= LogReader.blockLimit { blocks.removeFirst() }
            blocks.append(block)
            return (block.changes[Int(sequence - block.first)], try run.hash(of: sequence))
        }
        guard let (run, batch) = try batch(lane, containing: sequence) else { return nil }
        return (batch.changes[Int(sequence - run.first)], try run.hash(of: sequence))
    }

    private static func block(of run: Run, around sequence: UInt64) throws -> Block {
        let size = LogReader.blockSize
        let first = max((sequence - 1) / size * size + 1, run.first)
        let last = min((sequence + size - 1) / size * size, run.last)
        guard let changes = try? Batch.changes(first...last, of: run.bytes),
            changes.count == last - first + 1, changes[0].sequence == first
        else { throw StoreError.damaged("a stored batch") }
        return Block(run: run, first: first, changes: changes)
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
        guard let run = try run(lane, containing: sequence, withBytes: true) else { return nil }
        batches.append((run, try LogReader.decode(run)))
        decodedCount += run.count
        while decodedCount > LogReader.changeLimit, batches.count > 1 {
            decodedCount -= batches.removeFirst().run.count
        }
        return batches[batches.count - 1]
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
    static func delete(
        lane: Int, from first: UInt64, through last: UInt64, _ db: Database
    ) throws {
        let query = try Query(
            db, "DELETE FROM batch WHERE lane = ?1 AND first >= ?2 AND last <= ?3")
        query.bind(1, lane)
        query.bind(2, first)
        query.bind(3, last)
        try query.run()
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
