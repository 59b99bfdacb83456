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
    /// - Parameter isIsolating: whether a change that can't be applied is set aside, for the price of a
    ///   savepoint each; else all of it fails.
    func ingest(_ prepared: [PreparedBatch], isIsolating: Bool = false) throws -> IngestReport {
        var report = IngestReport()
        let before = draft
        draft.openConflicts = [:]
        var fresh: [Int: [PreparedBatch]] = [:]
        for batch in prepared {
            guard let (lane, count, isWhole) = try hold(batch.batch) else { continue }
            report.received += count
            if isWhole { fresh[lane, default: []].append(batch) }
        }
        report.applied = try applyWaiting(fresh: fresh, isIsolating: isIsolating)
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
    /// - Returns: the lane, how many changes were new, and whether nothing was taken out; `nil` where
    ///   none was new.
    /// - Throws: `wrongCasebook`, `gap`, `tooLarge`, `strangersLog`, `tooManyLogs`.
    private func hold(
        _ batch: VerifiedBatch
    ) throws -> (lane: Int, count: Int, isWhole: Bool)? {
        guard batch.casebook == draft.casebook.id else { throw StoreError.wrongCasebook }
        guard batch.last <= RecordKey.maximumSequence else { throw StoreError.tooLarge }
        let place = try place(of: batch)
        if case .within(let number) = place.position {
            try repeated(batch, lane: number)
            return nil
        }
        let number = try lane(for: place, batch)
        if batch.origin == draft.casebook.origin {
            // A peer shows a change of ours that we don't hold: we have lost memory of it, or
            // somebody else writes under our key.
            try flushTail()
            try beginEpoch()
        }
        let rest = try heldToClaims(batch, lane: number)
        try fill(from: rest ?? batch.batch, count: place.known, lane: number)
        let isPoorer = try isPoorer(rest ?? batch.batch, count: place.known, lane: number)
        if place.known > 0, !isPoorer { _ = try clearDamaged(for: batch, lane: number) }
        try insert(batch, rest, from: isPoorer ? place.known : 0, lane: number)
        let fresh = batch.batch.changes.dropFirst(place.known)
        try noteHeldClaims(in: fresh, lane: number)
        for change in fresh where change.groups.contains(where: { $0.kind == .cut }) {
            try settleMembers()
            draft.heldCuts.note(change, lane: number, members: draft.members)
        }
        draft.lanes[number].held = Lane.Point(
            sequence: batch.last, hash: batch.hashes[batch.hashes.count - 1])
        draft.changedLanes.insert(number)
        return (number, batch.hashes.count - place.known, rest == nil && !isPoorer)
    }

    /// A batch of which all is held may have what is lacking here.
    private func repeated(_ batch: VerifiedBatch, lane: Int) throws {
        guard try draft.lacksSomething(db) else { return }
        let rest = try heldToClaims(batch, lane: lane)
        let (contents, count) = (rest ?? batch.batch, batch.hashes.count)
        try fill(from: contents, count: count, lane: lane)
        guard try !isPoorer(contents, count: count, lane: lane),
            try clearDamaged(for: batch, lane: lane)
        else { return }
        try insert(batch, rest, from: 0, lane: lane)
        draft.changedLanes.insert(lane)
        // What couldn't be applied may have needed this.
        draft.setAside = []
    }

    /// Stores a run in the place of what it repeats. A run that begins before this one and ends
    /// within stays: what two runs hold is the same.
    ///
    /// - Parameters:
    ///   - rest: what of it may be stored, `nil` for all: then it is as it came.
    ///   - start: how many of its changes are left out at the beginning.
    private func insert(
        _ batch: VerifiedBatch, _ rest: Batch?, from start: Int, lane: Int
    ) throws {
        let bytes =
            start > 0
            ? try (rest ?? batch.batch).suffix(after: start)
            : try rest?.storable() ?? batch.bytes
        let hasReplaced = try LogReader.delete(
            lane: lane, from: batch.first + UInt64(start), through: batch.last, db)
        // Also where it repeats changes of a run that stays: reads find them in this one from now on.
        if hasReplaced || batch.batch.changes[start].sequence <= draft.lanes[lane].held.sequence {
            draft.contentsChanged = true
        }
        log.forget()
        try LogReader.insert(
            lane: lane, first: batch.batch.changes[start], hashes: Array(batch.hashes[start...]),
            bytes: bytes, db)
    }

    /// Where the new changes of a batch belong.
    private struct Place {
        enum Position {
            /// Nowhere: all of it is held in this lane.
            case within(Int)
            /// The first change of a log.
            case log
            /// Behind the end of this lane.
            case end(Int)
            /// Beside what follows this change in this lane.
            case branch(Int, after: Lane.Point)
        }

        let position: Position
        /// Changes of the batch that are held already.
        let known: Int
    }

    /// - Throws: `gap` where what it follows isn't held.
    private func place(of batch: VerifiedBatch) throws -> Place {
        guard draft.lanes.knows(batch.origin) else {
            guard batch.first == 1 else { throw StoreError.gap(batch.origin) }
            return Place(position: .log, known: 0)
        }
        guard var lane = try predecessorLane(of: batch) else {
            throw StoreError.gap(batch.origin)
        }
        var known = 0
        while known < batch.hashes.count {
            let shared = try sharedCount(of: batch, from: known, with: lane)
            known += shared
            if known == batch.hashes.count {
                return Place(position: .within(lane.number), known: known)
            }
            let last = batch.first + UInt64(known) - 1
            if last == lane.held.sequence {
                return Place(position: .end(lane.number), known: known)
            }
            let hash = known == 0 ? batch.previous : batch.hashes[known - 1]
            let fork = Lane.Point(sequence: last, hash: hash)
            guard let next = try branch(of: lane, after: fork, with: batch.hashes[known]) else {
                return Place(position: .branch(lane.number, after: fork), known: known)
            }
            lane = next
        }
        return Place(position: .within(lane.number), known: known)
    }

    /// The lane that owns what a batch follows; a log's first lane before its first change.
    private func predecessorLane(of batch: VerifiedBatch) throws -> Lane? {
        let branches = draft.lanes.branches(of: batch.origin)
        guard batch.first > 1 else { return branches.first }
        return try branches.first { lane in
            try lane.owns(batch.first - 1)
                && heldHash(lane, batch.first - 1) == batch.previous
        }
    }

    /// How many changes of a batch, from an index on, are those of a lane.
    ///
    /// Two chains that agree in one change agree in all before it, so the end is looked at first and
    /// the place where they part is found by halving.
    private func sharedCount(
        of batch: VerifiedBatch, from index: Int, with lane: Lane
    ) throws -> Int {
        let first = batch.first + UInt64(index)
        guard first <= lane.held.sequence else { return 0 }
        func agrees(_ sequence: UInt64) throws -> Bool {
            try heldHash(lane, sequence) == batch.hashes[Int(sequence - batch.first)]
        }
        let end = min(batch.last, lane.held.sequence)
        if try agrees(end) { return Int(end - first) + 1 }
        var (low, high) = (first, end)
        while low < high {
            let middle = low + (high - low) / 2
            if try agrees(middle) { low = middle + 1 } else { high = middle }
        }
        return Int(low - first)
    }

    /// The branch that begins beside what follows a change, with a change of this hash.
    private func branch(of lane: Lane, after fork: Lane.Point, with hash: Digest) throws -> Lane? {
        try draft.lanes.branches(of: lane.origin).first { branch in
            try branch.parent == lane.number && branch.fork == fork
                && heldHash(branch, fork.sequence + 1) == hash
        }
    }

    private func lane(for place: Place, _ batch: VerifiedBatch) throws -> Int {
        switch place.position {
        case .within(let number), .end(let number): return number
        case .log:
            try checkBeginning(of: batch)
            return try draft.lane(for: batch.origin)
        case .branch(let parent, let fork):
            if fork.sequence == 0 { try checkBeginning(of: batch) }
            let number = try draft.lanes.addBranch(of: parent, after: fork)
            if fork.sequence > 0 {
                draft.lanes[number].context = try history.context(parent, fork.sequence)
                draft.lanes[number].forgetPredecessor()
            }
            draft.forks.insert(batch.origin)
            return number
        }
    }

    /// Logs whose first change can't be judged yet, beyond which no further ones are begun: their
    /// number is for whoever makes up keys to choose.
    private static let waitingLogLimit = 1024

    /// Refuses a log that a stranger made up, as soon as its first change can be judged.
    ///
    /// - Throws: `strangersLog`, `tooManyLogs`.
    private func checkBeginning(of batch: VerifiedBatch) throws {
        let first = batch.batch.changes[0]
        if try missingCause(of: first) != nil {
            guard draft.lanes.waitingCount < Transaction.waitingLogLimit else {
                throw StoreError.tooManyLogs
            }
        } else {
            let applicant = Applicant(beginning: first, hash: batch.hashes[0])
            guard
                try draft.membership.knowsAuthor(
                    of: applicant, of: draft.casebook.id, in: logs)
            else { throw StoreError.strangersLog(batch.origin) }
        }
    }

    /// Gives up a log whose first change turns out to be a stranger's, now that it can be judged.
    private func dropStrangersLog(_ lane: Lane) throws {
        for table in ["batch", "held_claim", "stub", "damaged_run"] {
            let query = try Query(db, "DELETE FROM \(table) WHERE lane = ?1")
            query.bind(1, lane.number)
            try query.run()
        }
        draft.contentsChanged = true
        log.forget()
        draft.lanes.release(lane.number)
        draft.changedLanes.insert(lane.number)
    }

    /// The hash of a change that a lane owns.
    private func heldHash(_ lane: Lane, _ sequence: UInt64) throws -> Digest? {
        sequence == lane.held.sequence ? lane.held.hash : try hash(lane.number, sequence)
    }

    // MARK: Applying

    /// Applies whatever can be applied, until nothing moves any more.
    private func applyWaiting(
        fresh: [Int: [PreparedBatch]], isIsolating: Bool
    ) throws -> Int {
        var count = 0
        var moved = true
        while moved {
            moved = false
            for number in draft.lanes.lanes.map(\.number) {
                let applied = try applyLane(
                    number, fresh: fresh[number] ?? [], isIsolating: isIsolating)
                count += applied
                if applied > 0 { moved = true }
            }
        }
        return count
    }

    /// Applies a lane's changes up to the first whose causes are missing.
    private func applyLane(
        _ number: Int, fresh: [PreparedBatch], isIsolating: Bool
    ) throws -> Int {
        var count = 0
        while true {
            let lane = draft.lanes[number]
            let key = RecordKey(lane: number, sequence: lane.applied.sequence + 1)
            guard !lane.isComplete, hasReachedFork(lane), try isUnblocked(lane),
                !draft.setAside.contains(key)
            else { return count }
            let isApplied =
                isIsolating
                ? try applyOrSetAside(key) { try applyNext(of: lane, fresh) }
                : try applyNext(of: lane, fresh)
            guard isApplied else { return count }
            try noteApplied(key)
            count += 1
        }
    }

    /// - Returns: whether the next change of a lane could be applied; else it waits, or the lane is a
    ///   stranger's and is gone.
    private func applyNext(of lane: Lane, _ fresh: [PreparedBatch]) throws -> Bool {
        let next = lane.applied.sequence + 1
        let source = fresh.first { $0.batch.first <= next && next <= $0.batch.last }
        guard let (change, hash) = try source.map({ $0.change(next) }) ?? change(lane.number, next)
        else { throw StoreError.damaged("a log has a gap") }
        if let missing = try missingCause(of: change) {
            draft.lanes[lane.number].waitsFor = missing
            return false
        }
        if next == 1,
            try !draft.membership.knowsAuthor(
                of: Applicant(beginning: change, hash: hash), of: draft.casebook.id, in: logs)
        {
            try dropStrangersLog(lane)
            return false
        }
        guard try mayApply(change, hash: hash, lane: lane) else { return false }
        let rest = try heldToClaims(change, hash: hash, lane: lane)
        try apply(
            rest ?? change, hash: hash, lane: lane.number,
            prepared: rest == nil ? source?.creations(of: next) ?? [] : [])
        return true
    }

    /// Whether what a branch shares with the lane before it is applied.
    private func hasReachedFork(_ lane: Lane) -> Bool {
        guard let parent = lane.parent else { return true }
        return lane.fork.sequence <= draft.lanes[parent].applied.sequence
    }

    private func isUnblocked(_ lane: Lane) throws -> Bool {
        guard let dot = lane.waitsFor else { return true }
        return try logs.hasApplied(dot.tip, of: dot.origin)
    }

    private func missingCause(of change: Change) throws -> Dot? {
        #if DEBUG
            if PlantedDefect.noCausalGate.isPlanted { return nil }
        #endif
        for entry in change.contextDelta {
            for tip in entry.tips where try !logs.hasApplied(tip, of: entry.origin) {
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
