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

extension CasebookStore {
    /// Stored runs of a log that end after `sequence`, in order, whole and byte for byte.
    ///
    /// Only what is applied is offered, so that whoever gets it can complete it: a run that is
    /// applied in part waits until all of it is. The first run is cut to begin after `sequence`.
    ///
    /// - Parameter byteLimit: as many runs as fit into it, at least one where there is any.
    package func batches(
        of origin: Origin, after sequence: UInt64, byteLimit: Int
    ) async throws -> [StoredBatch] {
        try await read { scope in
            guard let lane = try scope.lanes()[origin] else { return [] }
            var runs: [LogReader.Run] = []
            var byteCount = 0
            let query = try Query(
                scope.db,
                """
                SELECT first, last, bytes FROM batch
                WHERE lane = ?1 AND last <= ?2 AND first > ?3 - ?4 AND last > ?3 ORDER BY first
                """)
            query.bind(1, lane.number)
            query.bind(2, lane.applied.sequence)
            query.bind(3, sequence)
            query.bind(4, Limits.changesPerBatch)
            try query.each { row in
                let run = LogReader.Run(
                    lane: lane.number, first: row.word(0), last: row.word(1), hashes: [],
                    bytes: row.bytes(2))
                byteCount += run.bytes.count
                guard byteCount <= byteLimit || runs.isEmpty else { return false }
                runs.append(run)
                return true
            }
            return try runs.map { try StoredBatch($0, of: origin, after: sequence) }
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

    fileprivate init(_ run: LogReader.Run, of origin: Origin, after sequence: UInt64) throws {
        self.origin = origin
        last = run.last
        first = max(run.first, sequence + 1)
        bytes =
            first == run.first
            ? run.bytes
            : try LogReader.decode(run).suffix(after: Int(first - run.first))
    }
}
