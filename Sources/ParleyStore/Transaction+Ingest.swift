import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// What came of taking in some batches.
package struct IngestReport: Hashable, Sendable {
    /// Changes that weren't held before.
    package var received = 0
    /// Changes merged, earlier arrivals that were waiting included.
    package var applied = 0
    /// Conflicts open after minus before.
    package var conflictsOpened = 0
    /// Groups kept without effect, of those applied now.
    package var uninterpreted = 0
    /// Changes held whose causes are still missing.
    package var waiting = 0

    package init() {}
}

/// Intake: batches of others become held, then applied as far as their causes are here.
extension Transaction {
    func ingest(_ prepared: [PreparedBatch]) throws -> IngestReport {
        var report = IngestReport()
        let before = draft
        var fresh: [Int: [PreparedBatch]] = [:]
        for batch in prepared {
            guard let (lane, count) = try hold(batch.batch) else { continue }
            report.received += count
            fresh[lane, default: []].append(batch)
        }
        report.applied = try applyWaiting(fresh: fresh)
        report.conflictsOpened = draft.conflictCount - before.conflictCount
        report.uninterpreted = draft.uninterpretedCount - before.uninterpretedCount
        report.waiting = draft.lanes.lanes.reduce(0) {
            $0 + Int($1.held.sequence - $1.applied.sequence)
        }
        return report
    }

    // MARK: Holding

    /// Stores what is new of a batch.
    ///
    /// - Returns: the lane and how many changes were new; `nil` where none was.
    /// - Throws: `wrongCasebook`, `gap`, `fork`, `tooLarge`.
    private func hold(_ batch: VerifiedBatch) throws -> (lane: Int, count: Int)? {
        guard batch.casebook == draft.casebook.id else { throw StoreError.wrongCasebook }
        guard batch.last <= RecordKey.maximumSequence else { throw StoreError.tooLarge }
        let number = try draft.lane(for: batch.origin)
        var lane = draft.lanes[number]
        guard batch.first <= lane.held.sequence + 1 else { throw StoreError.gap(batch.origin) }
        try checkOverlap(batch, lane)
        guard batch.last > lane.held.sequence else { return nil }
        if batch.origin == draft.casebook.origin {
            // A peer shows a change of ours that we don't hold: we have lost memory of it.
            try flushTail()
            draft.casebook.rotateEpoch(environment)
        }
        let known = Int(lane.held.sequence + 1 - batch.first)
        let hashes = Array(batch.hashes[known...])
        try LogReader.insert(
            lane: number, first: lane.held.sequence + 1, hashes: hashes,
            bytes: known == 0 ? batch.bytes : try batch.batch.suffix(after: known), db)
        lane = draft.lanes[number]
        lane.held = Lane.Point(sequence: batch.last, hash: batch.hashes[batch.hashes.count - 1])
        draft.lanes[number] = lane
        draft.changedLanes.insert(number)
        draft.received = true
        return (number, hashes.count)
    }

    /// Where a batch repeats what is held, or follows it, both must be the same history.
    private func checkOverlap(_ batch: VerifiedBatch, _ lane: Lane) throws {
        let end = min(batch.last, lane.held.sequence)
        if batch.first > 1 {
            let held =
                batch.first - 1 == lane.held.sequence
                ? lane.held.hash : try heldHash(lane, batch.first - 1)
            guard held == batch.previous else { throw StoreError.fork(batch.origin) }
        }
        // A chain that agrees in one change agrees in all before it.
        guard end >= batch.first else { return }
        guard try heldHash(lane, end) == batch.hashes[Int(end - batch.first)] else {
            throw StoreError.fork(batch.origin)
        }
    }

    private func heldHash(_ lane: Lane, _ sequence: UInt64) throws -> Digest? {
        sequence == lane.held.sequence ? lane.held.hash : try hash(lane.number, sequence)
    }

    // MARK: Applying

    /// Applies whatever can be applied, until nothing moves any more.
    private func applyWaiting(fresh: [Int: [PreparedBatch]]) throws -> Int {
        var count = 0
        var moved = true
        while moved {
            moved = false
            for number in draft.lanes.lanes.map(\.number) {
                let applied = try applyLane(number, fresh: fresh[number] ?? [])
                count += applied
                if applied > 0 { moved = true }
            }
        }
        return count
    }

    /// Applies a lane's changes up to the first whose causes are missing.
    private func applyLane(_ number: Int, fresh: [PreparedBatch]) throws -> Int {
        var count = 0
        while true {
            let lane = draft.lanes[number]
            guard !lane.isComplete, try isUnblocked(lane) else { return count }
            let next = lane.applied.sequence + 1
            let source = fresh.first { $0.batch.first <= next && next <= $0.batch.last }
            guard let (change, hash) = try source.map({ $0.change(next) }) ?? change(number, next)
            else { throw StoreError.damaged("a log has a gap") }
            if let missing = try missingCause(of: change) {
                draft.lanes[number].waitsFor = missing
                return count
            }
            try apply(
                change, hash: hash, lane: number, prepared: source?.creations(of: next) ?? [])
            count += 1
        }
    }

    private func isUnblocked(_ lane: Lane) throws -> Bool {
        guard let dot = lane.waitsFor else { return true }
        return try hasApplied(dot.tip, of: dot.origin)
    }

    private func missingCause(of change: Change) throws -> Dot? {
        for entry in change.contextDelta {
            for tip in entry.tips where try !hasApplied(tip, of: entry.origin) {
                return Dot(origin: entry.origin, sequence: tip.sequence, hash: tip.hash)
            }
        }
        return nil
    }
}

extension PreparedBatch {
    fileprivate func change(_ sequence: UInt64) -> (change: Change, hash: Digest) {
        let index = Int(sequence - batch.first)
        return (batch.batch.changes[index], batch.hashes[index])
    }

    fileprivate func creations(of sequence: UInt64) -> [PreparedCreation?] {
        creations[Int(sequence - batch.first)]
    }
}
