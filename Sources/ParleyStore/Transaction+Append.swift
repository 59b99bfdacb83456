package import ParleyCRDT
import ParleyLog
package import ParleyModel
import ParleyWire

/// A change this node has just made.
package struct Appended: Hashable, Sendable {
    package let dot: Dot
    package let hash: Digest
    package let time: HybridTime
    /// For each group, the record it creates or edits; `nil` for other groups.
    package let recordIDs: [RecordID?]
}

/// Own writing: the next change of this node's log.
extension Transaction {
    /// Makes, chains and applies a change. It goes into a batch with the others of the transaction.
    ///
    /// Everything it continues from - sequence number, epoch, previous hash, hybrid time - is of
    /// this transaction, so that a dot is never given twice.
    func append(_ groups: [Group]) throws -> Appended {
        let number = try draft.lane(for: draft.casebook.origin)
        try spreadContext(lane: number)
        return try append(makeChange(groups, lane: draft.lanes[number]), lane: number)
    }

    /// Goes on in a new log, because this file may have lost memory of what it wrote.
    ///
    /// It may have lost memory of used invitations as well, and another copy may use those that are
    /// open: all of them end.
    func beginEpoch() throws {
        #if DEBUG
            if PlantedDefect.restoreKeepsEpoch.isPlanted { return }
        #endif
        draft.casebook.rotateEpoch(environment)
        _ = try endInvitations()
    }

    /// Ends all invitations that nobody has used.
    ///
    /// - Returns: how many there were.
    func endInvitations() throws -> Int {
        let query = try Query(db, "DELETE FROM invitation WHERE used_by IS NULL RETURNING 1")
        return try query.all { _ in 1 }.count
    }

    /// Entries that a change with groups carries at most, so that these have nearly all its room.
    private static let contextEntryLimit = 64
    /// Entries in a change that has nothing else.
    private static let contextStep = 1024

    /// Writes changes without groups until what is left to say of others' logs is little: after a
    /// time apart from very many of them, one change couldn't name them all.
    private func spreadContext(lane number: Int) throws {
        let entries = unsaidEntries(draft.lanes[number])
        guard entries.count > Transaction.contextEntryLimit else { return }
        // What admitted this node comes first, or else a log would begin as a stranger's.
        let admitting = draft.membership.admittingOrigins(of: identity.node)
        var unsaid =
            (entries.filter { admitting.contains($0.origin) }
            + entries.filter { !admitting.contains($0.origin) })[...]
        while !unsaid.isEmpty {
            let step = unsaid.prefix(Transaction.contextStep).sorted { $0.origin < $1.origin }
            unsaid.removeFirst(step.count)
            _ = try append(
                makeChange([], contextDelta: step, lane: draft.lanes[number]), lane: number)
        }
    }

    /// What moved in others' logs since this one last said how far it had applied them.
    private func unsaidEntries(_ lane: Lane) -> [Clock.Entry] {
        draft.lanes.appliedClock.entries(movedSince: lane.context)
            .filter { $0.origin != lane.origin }
    }

    /// Writes the first change of a new casebook, whose hash becomes the casebook's ID.
    func found(_ founding: Founding) throws -> Appended {
        let number = try draft.lane(for: draft.casebook.origin)
        let group = Group(
            kind: .founding, subject: .casebook, content: .payload(founding.encoded))
        let change = try makeChange([group], lane: draft.lanes[number])
        draft.casebook.id = try hash(of: change, after: .zero)
        return try append(change, lane: number)
    }

    /// Everything that can be refused is refused before anything is touched, so that whoever goes
    /// on after an error does so with a sound log.
    private func append(_ change: Change, lane number: Int) throws -> Appended {
        var lane = draft.lanes[number]
        let size = BatchSize(change)
        guard change.byteCount <= Limits.changeBytes,
            change.groups.count <= Limits.groupsPerChange
        else { throw StoreError.tooLarge }
        let context = draft.lanes.appliedClock
        var recordIDs = try change.groups.map { try existingID($0, in: context) }
        if draft.tail.isFull(for: size) { try flushTail() }
        if draft.casebook.seedUses >= CasebookRow.seedUseLimit {
            draft.casebook.renewSeed(environment)
        }
        let hash = try hash(of: change, after: lane.held.hash)
        guard try isAuthorised(Applicant(change, hash: hash, follows: lane)) else {
            throw StoreError.notPermitted
        }
        draft.casebook.seedUses += 1
        lane.held = Lane.Point(sequence: change.sequence, hash: hash)
        draft.lanes[number] = lane
        draft.tail.append(change, hash: hash, seed: draft.casebook.seed, size: size)
        try apply(change, hash: hash, lane: number)
        for (index, group) in change.groups.enumerated() where group.subject == .created {
            recordIDs[index] = RecordID(change: hash, group: index)
        }
        return Appended(
            dot: Dot(origin: change.origin, sequence: change.sequence, hash: hash.prefix),
            hash: hash, time: change.time, recordIDs: recordIDs)
    }

    private func makeChange(_ groups: [Group], lane: Lane) throws -> Change {
        try makeChange(groups, contextDelta: unsaidEntries(lane), lane: lane)
    }

    private func makeChange(
        _ groups: [Group], contextDelta: [Clock.Entry], lane: Lane
    ) throws -> Change {
        let sequence = lane.held.sequence + 1
        guard sequence <= RecordKey.maximumSequence else { throw StoreError.tooLarge }
        return Change(
            origin: lane.origin, sequence: sequence,
            time: draft.casebook.clock.tick(wallMilliseconds: environment.wallMilliseconds()),
            contextDelta: contextDelta, groups: groups)
    }

    private func hash(of change: Change, after previous: Digest) throws -> Digest {
        var hasher = ChangeHasher()
        do {
            return try hasher.hash(
                change, previous: previous, salts: .seed(draft.casebook.seed))
        } catch {
            throw StoreError.log(error)
        }
    }

    /// The record a group edits, `nil` for groups of other subjects.
    ///
    /// - Throws: `unknownRecord` where it isn't here: the edit would have no effect.
    private func existingID(_ group: Group, in context: Clock) throws -> RecordID? {
        guard case .existing(let reference) = group.subject else { return nil }
        guard reference.group <= RecordKey.maximumGroup,
            let (dot, lane) = try logs.change(named: reference.creation, in: context),
            let row = try table.row(
                RecordKey(lane: lane, sequence: dot.sequence, group: Int(reference.group)))
        else { throw StoreError.unknownRecord }
        return row.id
    }

    /// Signs and stores the own changes of this transaction, in one batch if it may be that large.
    func flushTail() throws {
        let tail = draft.tail
        var rest = tail.changes.indices
        var part = rest
        while !part.isEmpty {
            do {
                try store(part == tail.changes.indices ? tail : tail.part(part))
                rest = part.upperBound..<rest.upperBound
                part = rest
            } catch StoreError.tooLarge where part.count > 1 {
                part = part.prefix((part.count + 1) / 2)
            }
        }
        draft.tail = OwnTail()
    }

    private func store(_ tail: OwnTail) throws {
        let (first, last) = (tail.changes[0], tail.changes[tail.changes.count - 1])
        let head = Head(
            casebook: draft.casebook.id, origin: first.origin, sequence: last.sequence,
            hash: tail.hashes[tail.hashes.count - 1])
        let batch = Batch(
            origin: first.origin, first: first.sequence, previous: nil,
            signature: head.signature(by: identity), changes: tail.changes,
            salts: SaltRun.merging(tail.seeds.map { .seed(changes: 1, $0) }))
        try LogReader.insert(
            lane: try draft.lane(for: first.origin), first: first, hashes: tail.hashes,
            bytes: try batch.storable(), db)
    }
}
