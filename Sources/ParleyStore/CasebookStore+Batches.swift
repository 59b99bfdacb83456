import GRDB
package import ParleyCRDT
import ParleyLog
import ParleyWire

/// A run of changes as it is stored, ready to be sent.
package struct StoredBatch: Hashable, Sendable {
    package let origin: Origin
    package let first: UInt64
    package let last: UInt64
    package let bytes: [UInt8]
}

/// What can be offered to somebody whose logs end at certain places.
package struct StoredRead: Sendable {
    /// Consecutive, of one origin.
    package let batches: [StoredBatch]
    /// Origins of which nothing can be offered before more of them is applied.
    package let withheld: [Origin]
}

extension CasebookStore {
    /// What comes next after one of several places: of logs that have membership still to come
    /// first, because everything else is judged by it, then of the oldest.
    package func batches(
        after positions: [LogPosition], byteLimit: Int
    ) async throws -> StoredRead {
        try await read { scope in
            var withheld: [Origin] = []
            var choice: (rank: SendRank, position: LogPosition)?
            for position in positions {
                guard let rank = try scope.rank(of: position) else {
                    withheld.append(position.origin)
                    continue
                }
                if choice.map({ rank < $0.rank }) ?? true { choice = (rank, position) }
            }
            let batches = try choice.map {
                try scope.batches(after: $0.position, byteLimit: byteLimit)
            }
            return StoredRead(batches: batches ?? [], withheld: withheld)
        }
    }

    /// Stored runs of a log that end after `sequence`, in order, whole and byte for byte.
    ///
    /// Only what is applied is offered, so that whoever gets it can complete it: a run that is
    /// applied in part waits until all of it is. The first run is cut to begin after `sequence`.
    ///
    /// - Parameter byteLimit: as many runs as fit into it, at least one where there is any.
    package func batches(
        of origin: Origin, after sequence: UInt64, byteLimit: Int
    ) async throws -> [StoredBatch] {
        try await read {
            try $0.batches(
                after: LogPosition(origin: origin, sequence: sequence), byteLimit: byteLimit)
        }
    }

    /// The hash of a held change, `nil` where it isn't held: what a batch that begins in the middle
    /// of a log is checked against.
    package func hash(of origin: Origin, at sequence: UInt64) async throws -> Digest? {
        if sequence == 0 { return .zero }
        return try await read { scope in
            guard let lane = try scope.lanes()[origin] else { return nil }
            return try scope.hash(lane.number, sequence)
        }
    }

    /// Places and hashes in a log, going back from its held tip by 0, 1, 2, 4, 8 ... changes: by
    /// these two peers find the newest change they share.
    package func locator(of origin: Origin) async throws -> [Tip] {
        try await read { scope in
            guard let lane = try scope.lanes()[origin], lane.held.sequence > 0 else { return [] }
            var sequences = [lane.held.sequence]
            var step: UInt64 = 1
            while step < lane.held.sequence {
                sequences.append(lane.held.sequence - step)
                step *= 2
            }
            if sequences.last != 1 { sequences.append(1) }
            return try sequences.compactMap { sequence in
                try scope.hash(lane.number, sequence).map {
                    Tip(sequence: sequence, hash: $0.prefix)
                }
            }
        }
    }
}

/// Which of several logs goes first.
private struct SendRank: Comparable {
    let hasMembership: Bool
    let time: UInt64
    let lane: Int

    static func < (left: SendRank, right: SendRank) -> Bool {
        if left.hasMembership != right.hasMembership { return left.hasMembership }
        return (left.time, left.lane) < (right.time, right.lane)
    }
}

extension ReadScope {
    /// - Returns: `nil` where nothing after the place can be offered now.
    fileprivate func rank(of position: LogPosition) throws -> SendRank? {
        guard let lane = try lanes()[position.origin] else { return nil }
        let query = try Query(
            db,
            """
            SELECT time, EXISTS (SELECT 1 FROM admission WHERE lane = ?1 AND sequence > ?2)
            FROM batch WHERE lane = ?1 AND last > ?2 AND last <= ?3 AND first > ?2 - ?4
            ORDER BY first LIMIT 1
            """)
        bind(query, lane, position.sequence)
        return try query.first { row in
            SendRank(hasMembership: row.int(1) != 0, time: row.word(0), lane: lane.number)
        }
    }

    fileprivate func batches(
        after position: LogPosition, byteLimit: Int
    ) throws -> [StoredBatch] {
        guard let lane = try lanes()[position.origin] else { return [] }
        var runs: [LogReader.Run] = []
        var byteCount = 0
        let query = try Query(
            db,
            """
            SELECT first, last, bytes FROM batch
            WHERE lane = ?1 AND last > ?2 AND last <= ?3 AND first > ?2 - ?4 ORDER BY first
            """)
        bind(query, lane, position.sequence)
        try query.each { row in
            let run = LogReader.Run(
                lane: lane.number, first: row.word(0), last: row.word(1), hashes: [],
                bytes: row.bytes(2))
            // Of runs that overlap the later one holds more.
            let next = (runs.dropLast().last?.last ?? position.sequence) + 1
            if run.first <= next, let shorter = runs.popLast() {
                byteCount -= shorter.bytes.count
            }
            byteCount += run.bytes.count
            guard byteCount <= byteLimit || runs.isEmpty else { return false }
            runs.append(run)
            return true
        }
        return runs.map { StoredBatch($0, after: position) }
    }

    private func bind(_ query: Query, _ lane: Lane, _ sequence: UInt64) {
        query.bind(1, lane.number)
        query.bind(2, sequence)
        query.bind(3, lane.applied.sequence)
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
    /// - Parameter batches: consecutive runs of one origin.
    package static func packing(_ batches: [StoredBatch]) -> [StoredBatch] {
        var result: [StoredBatch] = []
        var open: [StoredBatch] = []
        var count = 0
        for batch in batches {
            let isSmall = batch.count <= smallRun
            if !isSmall || count + batch.count > Limits.changesPerBatch {
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

    /// One run made of several; the several, where one would break a limit.
    private static func joined(_ batches: [StoredBatch]) -> [StoredBatch] {
        guard batches.count > 1, let first = batches.first, let last = batches.last,
            let bytes = try? Batch.joining(batches.map { try Batch.decode($0.bytes) })
        else { return batches }
        return [
            StoredBatch(origin: first.origin, first: first.first, last: last.last, bytes: bytes)
        ]
    }

    fileprivate init(_ run: LogReader.Run, after position: LogPosition) {
        origin = position.origin
        last = run.last
        let wanted = max(run.first, position.sequence + 1)
        // A run whose end can't be packed alone goes out whole: the peer skips what it has.
        let rest =
            wanted == run.first
            ? nil : try? LogReader.decode(run).suffix(after: Int(wanted - run.first))
        first = rest == nil ? run.first : wanted
        bytes = rest ?? run.bytes
    }
}
