import GRDB
package import ParleyCRDT
import ParleyLog
import ParleyWire

/// A run of changes as it is stored, ready to be sent.
package struct StoredBatch: Hashable, Sendable {
    package let origin: Origin
    package let first: UInt64
    /// The last change.
    package let tip: Tip
    /// Whether its log has several branches. If so it follows `previous`, or is the beginning.
    package private(set) var hasBranches = false
    package private(set) var previous: Tip?
    package private(set) var bytes: [UInt8]

    package var last: UInt64 { tip.sequence }
}

/// What can be offered to somebody whose logs end at certain places.
package struct StoredRead: Sendable {
    /// In the order in which they are to go out. Those of one branch of a log follow each other.
    package fileprivate(set) var batches: [StoredBatch] = []
    /// Origins of which nothing can be offered before something moves: they have all of it, or
    /// what they lack isn't applied here.
    package fileprivate(set) var withheld: [Origin] = []
    /// Origins whose branches here and there part at a place that has to be looked for first.
    package fileprivate(set) var parted: [Origin] = []
}

extension CasebookStore {
    /// What comes next for somebody: of logs that have membership still to come first, because
    /// everything else is judged by it, then of the oldest. Others follow where there is room: looking
    /// at many logs for each short one costs as much as all of them do.
    ///
    /// - Parameter byteLimit: as many batches as fit into it, at least one where there is any.
    package func batches(for logs: [PeerLog], byteLimit: Int) async throws -> StoredRead {
        try await read { scope in
            var read = StoredRead()
            var room = byteLimit
            for stretch in try scope.stretches(for: logs, &read) {
                let next = try scope.batches(
                    of: stretch, byteLimit: room, isFirst: read.batches.isEmpty)
                read.batches += next
                room -= next.reduce(0) { $0 + $1.bytes.count }
                // What is left of it may have another rank.
                guard let last = next.last, last.last >= stretch.through else { break }
            }
            return read
        }
    }

    /// The hashes that a change with this sequence number may follow here: one, except in a log
    /// that forked.
    ///
    /// - Parameter named: the beginning of the hash, where it is known.
    package func hashes(
        of origin: Origin, at sequence: UInt64, named prefix: HashPrefix?
    ) async throws -> [Digest] {
        if sequence == 0 { return [.zero] }
        if !hasForked(origin), head(of: origin).last == sequence {
            return [head(of: origin).hash]
        }
        return try await read { scope in
            try scope.lanes().branches(of: origin).filter { $0.owns(sequence) }
                .compactMap { try scope.hash($0.number, sequence) }
                .filter { prefix == nil || $0.prefix == prefix }
        }
    }

    /// For each branch of a log places and hashes, going back from its end by 0, 1, 2, 4, 8 ...
    /// changes, the first change last: by these two peers find the newest change they share.
    package func locators(of origin: Origin) async throws -> [[Tip]] {
        try await read { scope in
            let logs = try scope.logs()
            return try scope.lanes().heldClock[origin].compactMap { tip in
                guard let lane = try logs.lane(of: tip, of: origin) else { return nil }
                return try LocatorPlaces.before(tip.sequence).compactMap { sequence in
                    try logs.hash(of: sequence, in: lane).map {
                        Tip(sequence: sequence, hash: $0.prefix)
                    }
                }
            }
        }
    }

    /// The newest of several places in a log that is held here too, `nil` where none is.
    ///
    /// - Parameter points: newest first.
    package func newestShared(of origin: Origin, among points: [Tip]) async throws -> Tip? {
        try await read { scope in
            let logs = try scope.logs()
            return try points.first { try logs.lane(of: $0, of: origin) != nil }
        }
    }
}

/// The places a locator names.
enum LocatorPlaces {
    static func before(_ last: UInt64) -> [UInt64] {
        var places = [last]
        var step: UInt64 = 1
        while step < last {
            places.append(last - step)
            step *= 2
        }
        if places.last != 1 { places.append(1) }
        return places
    }
}

/// A part of a lane that somebody lacks: what it owns after a sequence number.
private struct Stretch {
    let lane: Lane
    let after: UInt64
    /// The last that can be offered: it is applied, and what leads up to it can be read.
    let through: UInt64
}

/// Which of several logs goes first: those that say who belongs and what is taken back.
private struct SendRank: Comparable {
    let hasDecisions: Bool
    let time: UInt64
    let lane: Int

    static func < (left: SendRank, right: SendRank) -> Bool {
        if left.hasDecisions != right.hasDecisions { return left.hasDecisions }
        return (left.time, left.lane) < (right.time, right.lane)
    }
}

extension ReadScope {
    fileprivate enum Offer {
        case stretch(Stretch)
        case nothing
        case parted
    }

    /// How far somebody has each lane of a log, and the ends they name that aren't here.
    func known(of log: PeerLog) throws -> (lanes: [Int: UInt64], strange: [Tip]) {
        let logs = try logs()
        var known: [Int: UInt64] = [:]
        var strange: [Tip] = []
        for tip in log.tips {
            guard let number = try logs.lane(of: tip, of: log.origin) else {
                strange.append(tip)
                continue
            }
            var (lane, sequence) = (logs.lanes[number], tip.sequence)
            known[lane.number] = max(known[lane.number] ?? 0, sequence)
            while let parent = lane.parent {
                sequence = lane.fork.sequence
                lane = logs.lanes[parent]
                known[lane.number] = max(known[lane.number] ?? 0, sequence)
            }
        }
        return (known, strange)
    }

    /// What somebody lacks of several logs, in the order in which it goes out, and why of others
    /// nothing does.
    fileprivate func stretches(for logs: [PeerLog], _ read: inout StoredRead) throws -> [Stretch] {
        let damaged = try DamagedRun.all(db)
        var ranked: [(rank: SendRank, stretch: Stretch)] = []
        for log in logs {
            switch try offer(to: log, without: damaged) {
            case .nothing: read.withheld.append(log.origin)
            case .parted: read.parted.append(log.origin)
            case .stretch(let stretch):
                if let rank = try rank(of: stretch) {
                    ranked.append((rank, stretch))
                } else {
                    read.withheld.append(log.origin)
                }
            }
        }
        return ranked.sorted { $0.rank < $1.rank }.map(\.stretch)
    }

    /// The first part of a log that somebody lacks.
    ///
    /// Tips of theirs that aren't found here are either ahead of what is held, and then they know
    /// better what to send, or of a branch that isn't here. Where one is no further than what is
    /// held, it must be the latter.
    fileprivate func offer(to log: PeerLog, without damaged: [DamagedRun]) throws -> Offer {
        let branches = try lanes().branches(of: log.origin)
        let (known, strange) = try known(of: log)
        let last = branches.map(\.held.sequence).max() ?? 0
        if !log.isLocated, strange.contains(where: { $0.sequence <= last }) { return .parted }
        for lane in branches where lane.applied.sequence > lane.fork.sequence {
            let after = max(known[lane.number] ?? 0, lane.fork.sequence)
            // What can't be read is asked for again, and offered once it has come.
            let unreadable = damaged.first { $0.lane == lane.number && $0.last > after }
            let through = min(lane.applied.sequence, unreadable.map { $0.first - 1 } ?? .max)
            guard after < through else { continue }
            // They are ahead, or on a branch that only they can know of and will say so.
            guard log.isLocated || strange.isEmpty else { continue }
            return .stretch(Stretch(lane: lane, after: after, through: through))
        }
        return .nothing
    }

    /// - Returns: `nil` where nothing of it can be offered now.
    fileprivate func rank(of stretch: Stretch) throws -> SendRank? {
        let query = try Query(
            db,
            """
            SELECT time,
                EXISTS (SELECT 1 FROM admission WHERE lane = ?1 AND sequence > ?2)
                OR EXISTS (SELECT 1 FROM cut WHERE lane = ?1 AND sequence > ?2)
                OR EXISTS (SELECT 1 FROM claim WHERE lane = ?1 AND sequence > ?2)
            FROM batch WHERE lane = ?1 AND last > ?2 AND first <= ?3 AND first > ?2 - ?4
            ORDER BY first LIMIT 1
            """)
        bind(query, stretch)
        return try query.first { row in
            SendRank(
                hasDecisions: row.int(1) != 0, time: row.word(0), lane: stretch.lane.number)
        }
    }

    /// Runs in order, whole and byte for byte but for the beginning that they have.
    ///
    /// Only what is applied is offered, so that whoever gets it can complete it, and with it the rest
    /// of a run that is applied in part: one signature vouches for all of it, and what the rest waits
    /// for may never come.
    ///
    /// - Parameters:
    ///   - byteLimit: as many runs as fit into it.
    ///   - isFirst: whether one goes out though it doesn't fit.
    fileprivate func batches(
        of stretch: Stretch, byteLimit: Int, isFirst: Bool
    ) throws -> [StoredBatch] {
        var runs: [LogReader.Run] = []
        var byteCount = 0
        let query = try Query(
            db,
            """
            SELECT first, last, hashes, bytes FROM batch
            WHERE lane = ?1 AND last > ?2 AND first <= ?3 AND first > ?2 - ?4 ORDER BY first
            """)
        bind(query, stretch)
        try query.each { row in
            let run = LogReader.Run(
                lane: stretch.lane.number, first: row.word(0), last: row.word(1),
                hashes: row.bytes(2), bytes: row.bytes(3))
            // Of runs that overlap the later one holds more.
            let next = (runs.dropLast().last?.last ?? stretch.after) + 1
            if run.first <= next, let shorter = runs.popLast() {
                byteCount -= shorter.bytes.count
            }
            byteCount += run.bytes.count
            guard byteCount <= byteLimit || (isFirst && runs.isEmpty) else { return false }
            runs.append(run)
            return true
        }
        return try sendable(runs, of: stretch)
    }

    /// The applied runs of a lane that hold changes of a range, whole.
    func batches(of lane: Lane, with range: ClosedRange<UInt64>) throws -> [StoredBatch] {
        let query = try Query(
            db,
            """
            SELECT first, last, hashes, bytes FROM batch
            WHERE lane = ?1 AND last >= ?2 AND first <= min(?3, ?4) AND \(DamagedRun.none)
            ORDER BY first
            """)
        query.bind(1, lane.number)
        query.bind(2, range.lowerBound)
        query.bind(3, range.upperBound)
        query.bind(4, lane.applied.sequence)
        let runs = try query.all { row in
            LogReader.Run(
                lane: lane.number, first: row.word(0), last: row.word(1), hashes: row.bytes(2),
                bytes: row.bytes(3))
        }
        return try sendable(
            runs, of: Stretch(lane: lane, after: 0, through: lane.applied.sequence))
    }

    private func sendable(
        _ runs: [LogReader.Run], of stretch: Stretch
    ) throws -> [StoredBatch] {
        let logs = try logs()
        guard logs.lanes.hasForked(stretch.lane.origin) else {
            return try runs.map { try StoredBatch($0, after: stretch) }
        }
        // Beside branches, numbers alone don't say what a run follows.
        return try runs.map { run in
            let batch = try StoredBatch(run, after: stretch)
            guard batch.first > 1 else { return try batch.following(nil) }
            guard let previous = try logs.hash(of: batch.first - 1, in: run.lane) else {
                throw StoreError.damaged("a log has a gap")
            }
            return try batch.following(Tip(sequence: batch.first - 1, hash: previous.prefix))
        }
    }

    private func bind(_ query: Query, _ stretch: Stretch) {
        query.bind(1, stretch.lane.number)
        query.bind(2, stretch.after)
        query.bind(3, stretch.through)
        query.bind(4, Limits.changesPerBatch)
    }
}

extension StoredBatch {
    /// Changes up to which a run counts as small: larger ones go out as they are stored.
    private static let smallRun = 64

    /// The same changes with small runs that follow each other packed into one, under the signature
    /// of the last: what a peer lacks after a time apart is mostly edits typed one by one, and each
    /// alone carries a signature and a dictionary of its own.
    ///
    /// - Parameter batches: runs of one branch of a log follow each other.
    package static func packing(_ batches: [StoredBatch]) -> [StoredBatch] {
        var result: [StoredBatch] = []
        var open: [StoredBatch] = []
        var count = 0
        for batch in batches {
            let isSmall = batch.count <= smallRun
            let follows = open.last.map(batch.follows) ?? true
            if !isSmall || !follows || count + batch.count > Limits.changesPerBatch {
                result += joined(open)
                (open, count) = ([], 0)
            }
            if isSmall {
                open.append(batch)
                count += batch.count
            } else {
                result.append(batch)
            }
        }
        return result + joined(open)
    }

    private var count: Int { Int(last - first) + 1 }

    /// Whether this is the next run of the same branch.
    private func follows(_ batch: StoredBatch) -> Bool {
        origin == batch.origin && first == batch.last + 1
            && (!hasBranches || previous == batch.tip)
    }

    /// One run made of several; the several, where one would break a limit.
    private static func joined(_ batches: [StoredBatch]) -> [StoredBatch] {
        guard batches.count > 1, let first = batches.first, let last = batches.last,
            let bytes = try? Batch.joining(batches.map { try Batch.decode($0.bytes) })
        else { return batches }
        return [
            StoredBatch(
                origin: first.origin, first: first.first, tip: last.tip,
                hasBranches: first.hasBranches, previous: first.previous, bytes: bytes)
        ]
    }

    fileprivate init(_ run: LogReader.Run, after stretch: Stretch) throws {
        origin = stretch.lane.origin
        tip = Tip(sequence: run.last, hash: try run.hash(of: run.last).prefix)
        let wanted = max(run.first, stretch.after + 1)
        // A run whose end can't be packed alone goes out whole: the peer skips what it has.
        let rest =
            wanted == run.first
            ? nil : try? LogReader.decode(run).suffix(after: Int(wanted - run.first))
        first = rest == nil ? run.first : wanted
        bytes = rest ?? run.bytes
    }

    /// The same run saying what it follows, where there is room for that; else the receiver has to
    /// try. Only the header is another; the columns stay.
    fileprivate func following(_ previous: Tip?) throws -> StoredBatch {
        var batch = self
        batch.hasBranches = true
        batch.previous = previous
        do {
            if let previous {
                batch.bytes = try Batch.naming(previous.hash, in: bytes) ?? bytes
            }
            return batch
        } catch {
            throw StoreError.damaged("a stored batch")
        }
    }
}
