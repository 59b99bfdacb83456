import ParleyCRDT
import ParleyLog
package import ParleyModel
import ParleyWire

/// What came of taking in some batches.
package struct IngestReport: Hashable, Sendable {
    /// Changes that weren't held before.
    package var received = 0
    /// Changes merged, earlier arrivals that were waiting included.
    package var applied = 0
    /// Conflicts open after minus before: negative where more were settled than opened.
    package var conflictsOpened = 0
    /// How many conflicts are open in the records that were touched, of those that had or have any.
    package var openConflicts: [RecordID: Int] = [:]
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
        draft.openConflicts = [:]
        var fresh: [Int: [PreparedBatch]] = [:]
        for batch in prepared {
            guard let (lane, count) = try hold(batch.batch) else { continue }
            report.received += count
            fresh[lane, default: []].append(batch)
        }
        report.applied = try applyWaiting(fresh: fresh)
        report.conflictsOpened = draft.conflictCount - before.conflictCount
        report.openConflicts = draft.openConflicts
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
        if !draft.lanes.knows(batch.origin) { try checkBeginning(of: batch) }
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
        // Whole and as it came, in the place of what it repeats. A run that begins before this one
        // and ends within stays: what two runs hold is the same.
        if known > 0 {
            try LogReader.delete(lane: number, from: batch.first, through: batch.last, db)
            log.forget()
        }
        try LogReader.insert(
            lane: number, first: batch.batch.changes[0], hashes: batch.hashes,
            bytes: batch.bytes, db)
        lane = draft.lanes[number]
        lane.held = Lane.Point(sequence: batch.last, hash: batch.hashes[batch.hashes.count - 1])
        draft.lanes[number] = lane
        draft.changedLanes.insert(number)
        draft.received = true
        return (number, batch.hashes.count - known)
    }

    /// Logs whose first change can't be judged yet, beyond which no further ones are begun: their
    /// number is for whoever makes up keys to choose.
    private static let waitingLogLimit = 1024

    /// Refuses a log that a stranger made up, as soon as its first change can be judged.
    ///
    /// - Throws: `strangersLog`, `tooManyLogs`.
    private func checkBeginning(of batch: VerifiedBatch) throws {
        guard batch.first == 1 else { throw StoreError.gap(batch.origin) }
        let first = batch.batch.changes[0]
        if try missingCause(of: first) != nil {
            guard draft.lanes.waitingCount < Transaction.waitingLogLimit else {
                throw StoreError.tooManyLogs
            }
        } else {
            let applicant = Applicant(beginning: first, hash: batch.hashes[0])
            guard draft.membership.knowsAuthor(of: applicant, of: draft.casebook.id) else {
                throw StoreError.strangersLog(batch.origin)
            }
        }
    }

    /// Gives up a log whose first change turns out to be a stranger's, now that it can be judged.
    private func dropStrangersLog(_ lane: Lane) throws {
        try LogReader.delete(lane: lane.number, from: 1, through: lane.held.sequence, db)
        log.forget()
        draft.lanes.release(lane.number)
        draft.changedLanes.insert(lane.number)
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
            if next == 1,
                !draft.membership.knowsAuthor(
                    of: Applicant(beginning: change, hash: hash), of: draft.casebook.id)
            {
                try dropStrangersLog(lane)
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
