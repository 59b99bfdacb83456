import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// Carrying out erasures and redactions: taking contents, and the salts they could be guessed by,
/// out of everything the file holds.
///
/// It happens in the transaction that applies them, at its end, so that there is no moment at which
/// a crash would leave it half done. What SQLite's write-ahead log still holds goes afterwards:
/// `CasebookStore.finishErasures`.
extension Transaction {
    /// Changes a seed can cover before and after one that it is known to cover.
    private static let seedReach = UInt64(CasebookRow.seedUseLimit)

    /// Takes out what claims are about that are due. To be called when all own changes are in the
    /// log, last of all.
    func carryOutClaims() throws {
        guard isHiding else { return }
        let due = draft.claims.claims(in: .due)
        var keys = draft.overdue
        if !due.isEmpty { keys.formUnion(try waitingChanges()) }
        for record in Set(due.map(\.record)) {
            for key in try [record] + table.touches(of: record) {
                keys.insert(RecordKey(lane: key.lane, sequence: key.sequence))
            }
        }
        guard !keys.isEmpty else { return }
        var removals: [Int: [UInt64: Removal]] = [:]
        var unread: Set<RecordKey> = []
        for key in keys {
            guard let applicant = try readableApplicant(key) else {
                unread.insert(key)
                continue
            }
            let removal = try draft.claims.removal(from: applicant, in: logs) {
                $0.state != .unconfirmed
            }
            guard !removal.isEmpty else { continue }
            removals[key.lane, default: [:]][key.sequence] = removal
        }
        let isWhole = try takeOut(removals)
        try reopenClaims(behind: draft.overdue.subtracting(unread))
        draft.overdue.formIntersection(unread)
        try ErasureIndex(transaction: self).takeOut(due)
        draft.removals += 1
        // What can't be read now is asked for again, and comes without what is erased.
        guard isWhole, unread.isEmpty else { return }
        for var claim in due {
            claim.state = .rewritten
            try claim.save(db)
            draft.claims.set(claim)
        }
    }

    /// A change with its context, `nil` where it can't be read: its run is noted as damaged then.
    private func readableApplicant(_ key: RecordKey) throws -> Applicant? {
        do {
            return try history.storedApplicant(key.lane, key.sequence)
        } catch StoreError.damaged {
            for place in try runs(near: key.sequence, of: draft.lanes.origin(of: key.lane)) {
                _ = try readableBatch(at: place)
            }
            return nil
        }
    }

    /// A stored run, `nil` where there is none or it can't be read: it is noted as damaged then.
    private func readableBatch(at place: RunPlace) throws -> Batch? {
        guard let run = try LogReader.run(lane: place.lane, first: place.first, db) else {
            return nil
        }
        do {
            return try LogReader.decode(run)
        } catch StoreError.damaged {
            try noteDamaged(DamagedRun(run))
            return nil
        }
    }

    /// Claims that were done already have left something in the journal again.
    private func reopenClaims(behind changes: Set<RecordKey>) throws {
        for key in changes {
            let applicant = try history.storedApplicant(key.lane, key.sequence)
            for (index, group) in applicant.change.groups.enumerated() {
                guard let record = try logs.recordKey(of: group, index: index, by: applicant) else {
                    continue
                }
                for var claim in draft.claims.about(record) where claim.state == .done {
                    claim.state = .rewritten
                    try claim.save(db)
                    draft.claims.set(claim)
                }
            }
        }
    }

    /// The changes that are held and not applied and may have to do with claims: nothing is noted of
    /// what they touch.
    private func waitingChanges() throws -> Set<RecordKey> {
        var keys: Set<RecordKey> = []
        for lane in draft.lanes.lanes where !lane.isComplete {
            for sequence in lane.applied.sequence + 1...lane.held.sequence {
                let key = RecordKey(lane: lane.number, sequence: sequence)
                guard let change = try readable(key) else {
                    keys.insert(key)
                    continue
                }
                guard draft.claims.concern(change, lane: lane.number, in: draft.lanes) else {
                    continue
                }
                keys.insert(key)
            }
        }
        return keys
    }

    // MARK: Runs

    /// Takes contents out of every run that holds them, and lists the salts of what stays in place
    /// of each seed that covers something of it, wherever that seed is.
    ///
    /// - Parameter removals: by the lane that owns a change. A run of a branch may begin with changes
    ///   of the lane before it, and two runs may hold the same ones.
    /// - Returns: whether all of them could be read.
    private func takeOut(_ removals: [Int: [UInt64: Removal]]) throws -> Bool {
        var places: Set<RunPlace> = []
        for (lane, bySequence) in removals {
            for sequence in bySequence.keys {
                places.formUnion(try runs(near: sequence, of: draft.lanes.origin(of: lane)))
            }
        }
        // All of them tell which seeds have to go before any is rewritten.
        var readable: [RunPlace] = []
        for place in places {
            guard let batch = try readableBatch(at: place) else { continue }
            readable.append(place)
            try drop(batch.seeds(behind: removals.concerning(batch, in: place.lane, logs)))
        }
        for place in readable.sorted() { try rewrite(place, removals) }
        if draft.droppedSeeds.contains(DroppedSeeds.hash(of: draft.casebook.seed)) {
            draft.casebook.renewSeed(environment)
        }
        return readable.count == places.count
    }

    /// Stores these seeds nowhere any more.
    ///
    /// - Returns: whether one of them wasn't known yet.
    @discardableResult
    private func drop(_ seeds: Set<Digest>) throws -> Bool {
        #if DEBUG
            if PlantedDefect.seedStays.isPlanted { return false }
        #endif
        let fresh = seeds.subtracting(draft.droppedSeeds)
        draft.droppedSeeds.formUnion(fresh)
        for seed in fresh { try DroppedSeeds.add(seed, db) }
        return !fresh.isEmpty
    }

    /// A stored run, by lane and first sequence number.
    struct RunPlace: Hashable, Comparable {
        let lane: Int
        let first: UInt64

        static func < (left: RunPlace, right: RunPlace) -> Bool {
            (left.lane, left.first) < (right.lane, right.first)
        }
    }

    /// The runs of an origin, on all branches, that may share a seed with a change.
    private func runs(near sequence: UInt64, of origin: Origin) throws -> Set<RunPlace> {
        var places: Set<RunPlace> = []
        let reach = Transaction.seedReach
        for lane in draft.lanes.branches(of: origin) {
            let query = try Query(
                db, "SELECT first FROM batch WHERE lane = ?1 AND first <= ?2 AND last >= ?3")
            query.bind(1, lane.number)
            query.bind(2, sequence + reach)
            query.bind(3, sequence > reach ? sequence - reach : 0)
            places.formUnion(
                try query.all { RunPlace(lane: lane.number, first: $0.word(0)) })
        }
        return places
    }

    func batch(at place: RunPlace) throws -> Batch? {
        try LogReader.run(lane: place.lane, first: place.first, db).map { try LogReader.decode($0) }
    }

    private func rewrite(_ place: RunPlace, _ removals: [Int: [UInt64: Removal]]) throws {
        guard let batch = try batch(at: place) else { return }
        let own = removals.concerning(batch, in: place.lane, logs)
        guard !own.isEmpty || batch.carries(draft.droppedSeeds) else { return }
        do {
            try replace(batch, at: place, with: batch.removing(own))
        } catch let error as LogError {
            throw StoreError.log(error)
        }
        log.forget()
    }

    /// Stores a run in the place of the same run, with less or more of its contents.
    ///
    /// - Throws: `damaged` where hashes would change: better to keep too much than to lose a log.
    func replace(_ batch: Batch, at place: RunPlace, with other: Batch) throws {
        try other.checkHashes(against: batch, after: hash(before: batch, in: place.lane))
        let query = try Query(
            db, "UPDATE batch SET bytes = ?3 WHERE lane = ?1 AND first = ?2")
        query.bind(1, place.lane)
        query.bind(2, place.first)
        query.bind(3, blob: try other.storable())
        try query.run()
        draft.contentsChanged = true
    }

    private func hash(before batch: Batch, in lane: Int) throws -> Digest {
        guard let hash = try logs.hash(of: batch.first - 1, in: lane) else {
            throw StoreError.damaged("a log has a gap")
        }
        return hash
    }

    // MARK: What arrives

    /// What may be stored of a batch: without what is erased, and without seeds it could be guessed
    /// by.
    ///
    /// - Parameter lane: in which it ends.
    /// - Returns: `nil` where all of it may.
    func heldToClaims(_ batch: VerifiedBatch, lane: Int) throws -> Batch? {
        let removals = try removals(from: batch, lane: lane)
        guard !removals.isEmpty || batch.batch.carries(draft.droppedSeeds) else { return nil }
        if try drop(batch.batch.seeds(behind: removals)) {
            // Other runs with these seeds may have come before.
            for sequence in removals.keys {
                for place in try runs(near: sequence, of: batch.origin).sorted() {
                    try rewrite(place, [:])
                }
            }
        }
        do {
            let rest = try batch.batch.removing(removals)
            try rest.checkHashes(against: batch.batch, after: batch.previous)
            return rest
        } catch let error as LogError {
            throw StoreError.log(error)
        }
    }

    /// What may be applied of a change that is next in its lane: what claims hide doesn't count,
    /// though the change may have been held before it could be told what it is about.
    ///
    /// - Returns: `nil` where all of it may.
    func heldToClaims(_ change: Change, hash: Digest, lane: Lane) throws -> Change? {
        guard draft.claims.concern(change, lane: lane.number, in: draft.lanes) else { return nil }
        let applicant = Applicant(change, hash: hash, follows: lane)
        let removal = try draft.claims.removal(from: applicant, in: logs)
        guard !removal.isEmpty, let salts = try log.salts(lane.number, change.sequence) else {
            return nil
        }
        draft.overdue.insert(RecordKey(lane: lane.number, sequence: change.sequence))
        do {
            return try change.removing(removal, salts: salts)
        } catch {
            throw StoreError.log(error)
        }
    }

    private func removals(
        from batch: VerifiedBatch, lane: Int
    ) throws -> [UInt64: Removal] {
        guard !draft.claims.isEmpty else { return [:] }
        var removals: [UInt64: Removal] = [:]
        var context: Clock?
        for (index, change) in batch.batch.changes.enumerated() {
            let owner = logs.owner(of: change.sequence, in: lane)
            let previous = index == 0 ? batch.previous : batch.hashes[index - 1]
            if context == nil {
                guard draft.claims.concern(change, lane: owner, in: draft.lanes) else { continue }
                context = try self.context(of: batch, upTo: index, lane: lane)
            } else {
                context?.set(sorted: change.contextDelta)
            }
            guard var known = context else { continue }
            if change.sequence > 1 {
                known.set(
                    Clock.Entry(
                        origin: batch.origin,
                        tip: Tip(sequence: change.sequence - 1, hash: previous.prefix)))
            }
            let removal = try draft.claims.removal(
                from: Applicant(
                    change: change, hash: batch.hashes[index], lane: owner, context: known),
                in: logs
            ) { $0.state != .unconfirmed }
            if !removal.isEmpty { removals[change.sequence] = removal }
        }
        return removals
    }

    /// What the author of one of a batch's changes had applied of others' logs, before the batch is
    /// held.
    private func context(of batch: VerifiedBatch, upTo index: Int, lane: Int) throws -> Clock {
        var context =
            batch.first == 1
            ? Clock()
            : try history.context(logs.owner(of: batch.first - 1, in: lane), batch.first - 1)
        for change in batch.batch.changes[...index] { context.set(sorted: change.contextDelta) }
        return context
    }
}

extension [Int: [UInt64: Removal]] {
    /// What is taken out of a batch's changes, by sequence number.
    fileprivate func concerning(
        _ batch: Batch, in lane: Int, _ logs: HeldLogs
    ) -> [UInt64: Removal] {
        var removals: [UInt64: Removal] = [:]
        for sequence in batch.first...batch.last {
            removals[sequence] = self[logs.owner(of: sequence, in: lane)]?[sequence]
        }
        return removals
    }
}

extension Batch {
    /// - Throws: `damaged` where another form of the same run has other hashes.
    fileprivate func checkHashes(against other: Batch, after previous: Digest) throws {
        do {
            guard
                try VerifiedBatch.hashes(of: self, after: previous)
                    == VerifiedBatch.hashes(of: other, after: previous)
            else { throw StoreError.damaged("a log with an erasure") }
        } catch let error as LogError {
            throw StoreError.log(error)
        }
    }
}
