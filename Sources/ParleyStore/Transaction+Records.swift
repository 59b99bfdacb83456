import ParleyCRDT
import ParleyLog
import ParleyModel

/// What the record groups of changes that count do to the records.
extension Transaction {
    /// - Returns: whether the group could be interpreted.
    func create(
        _ group: Group, index: Int, by applicant: Applicant, prepared: PreparedCreation?
    ) throws -> Bool {
        let key = RecordKey(
            lane: applicant.lane, sequence: applicant.change.sequence, group: index)
        guard !group.isStub, !draft.claims.isErased(key) else { return true }
        let plain =
            prepared ?? creations.prepare(group, index: index, change: applicant.hash)
        guard let plain else { return try createInGeneral(group, index: index, by: applicant) }
        try insert(
            RecordRow(
                key: key, id: plain.id, type: draft.types.add(plain.type),
                time: applicant.change.time, listing: .live, document: plain.document, side: nil),
            term: plain.term)
        return true
    }

    private func createInGeneral(
        _ group: Group, index: Int, by applicant: Applicant
    ) throws -> Bool {
        guard let writes = try logs.writes(of: group, by: applicant),
            var content = emptyContent(of: group, index: index, by: applicant)
        else { return false }
        try content.state.apply(
            Edit(dot: applicant.dot, context: applicant.context, writes: writes), in: logs)
        let key = RecordKey(
            lane: applicant.lane, sequence: applicant.change.sequence, group: index)
        try insert(content, key: key)
        return true
    }

    private func emptyContent(
        of group: Group, index: Int, by applicant: Applicant
    ) -> RecordContent? {
        guard case .operations(let type?, _) = group.content else { return nil }
        return RecordContent(
            id: RecordID(change: applicant.hash, group: index), type: type, state: RecordState(),
            creation: applicant.dot, creationTime: applicant.change.time, times: [:])
    }

    private func insert(_ content: RecordContent, key: RecordKey) throws {
        let row = RecordRow(
            key: key, id: content.id, type: draft.types.add(content.type),
            time: content.creationTime, listing: content.listing,
            document: content.document.json,
            side: try SideBlob(logs: logs).encode(content))
        try insert(row, term: CanonicalState.term(of: content))
        let conflicts = content.conflicts
        draft.conflictCount += conflicts.count
        guard !conflicts.isEmpty else { return }
        try table.setConflicts(key, conflicts)
        draft.openConflicts[content.id] = conflicts.count
    }

    private func insert(_ row: RecordRow, term: Digest) throws {
        try table.insert(
            row, generation: draft.casebook.arrivals / CasebookRow.generationSize)
        draft.casebook.arrivals += 1
        draft.casebook.digest.add(term)
        if row.listing != .deleted { try draft.types.count(1, of: row.type) }
        draft.typesChanged = true
        draft.records.append(row.id)
    }

    /// - Parameter isVoid: whether the change doesn't count; it is noted all the same, because a
    ///   later cut may let it in again.
    /// - Returns: whether the group could be interpreted.
    func edit(
        _ reference: RecordReference, _ group: Group, index: Int, by applicant: Applicant,
        isVoid: Bool
    ) throws -> Bool {
        guard let key = try key(of: reference, index: index, for: applicant) else { return false }
        let change = RecordKey(lane: applicant.lane, sequence: applicant.change.sequence)
        try table.touch(
            key, by: RecordKey(lane: change.lane, sequence: change.sequence, group: index))
        let writes = try logs.writes(of: group, by: applicant)
        guard group.isStub || writes != nil else { return false }
        guard !isVoid, let writes, !draft.claims.isErased(key) else { return true }
        guard var row = try existingRow(key) else { return try isStub(key) }
        var content = try content(of: row)
        let before = content
        #if DEBUG
            if PlantedDefect.tombstoneExpires.isPlanted {
                content.state.forgetDelete(of: row, at: environment)
            }
        #endif
        try content.state.apply(
            Edit(dot: applicant.dot, context: applicant.context, writes: writes), in: logs)
        content.times[applicant.dot] = applicant.change.time
        if try isNewer(applicant, than: row) {
            row.changed = change
            row.changedTime = applicant.change.time
        }
        try write(&row, from: before, to: content)
        return true
    }

    /// Notes what a change that isn't permitted says of records: an erasure takes that out too.
    func touchRecords(of applicant: Applicant) throws {
        for (index, group) in applicant.change.groups.enumerated() where group.kind == .record {
            guard case .existing(let reference) = group.subject,
                let key = try key(of: reference, index: index, for: applicant)
            else { continue }
            try table.touch(
                key,
                by: RecordKey(
                    lane: applicant.lane, sequence: applicant.change.sequence, group: index))
        }
    }

    /// Stores another state of a record, with everything that follows from it.
    private func write(
        _ row: inout RecordRow, from before: RecordContent, to after: RecordContent
    ) throws {
        row.listing = after.listing
        row.document = after.document.json
        row.side = try SideBlob(logs: logs).encode(after)
        try table.update(row)
        if !before.conflicts.isEmpty || !after.conflicts.isEmpty {
            try table.setConflicts(row.key, after.conflicts)
            draft.conflictCount += after.conflicts.count - before.conflicts.count
            draft.openConflicts[row.id] = after.conflicts.count
        }
        if row.key.packed <= draft.lanes[row.key.lane].searched {
            try table.queueForSearch(row.key)
        }
        try note(row, from: before, to: after)
    }

    private func note(
        _ row: RecordRow, from before: RecordContent, to after: RecordContent
    ) throws {
        draft.casebook.digest.subtract(CanonicalState.term(of: before))
        draft.casebook.digest.add(CanonicalState.term(of: after))
        let wasListed = before.listing != .deleted
        let isListed = after.listing != .deleted
        if wasListed != isListed {
            try draft.types.count(isListed ? 1 : -1, of: row.type)
            draft.typesChanged = true
        }
        draft.records.append(row.id)
    }

    private func isNewer(_ applicant: Applicant, than row: RecordRow) throws -> Bool {
        if applicant.change.time != row.changedTime {
            return applicant.change.time > row.changedTime
        }
        return try applicant.change.origin > draft.lanes.origin(of: row.changed.lane)
    }

    /// Whether a record's creation was taken back.
    private func isStub(_ key: RecordKey) throws -> Bool {
        guard let (change, _) = try change(key.lane, key.sequence),
            key.group < change.groups.count
        else { return false }
        return change.groups[key.group].isStub
    }

    /// The row of a record, made now where its creation had no effect: a record exists as soon as
    /// a write that counts touches it.
    private func existingRow(_ key: RecordKey) throws -> RecordRow? {
        if let row = try table.row(key) { return row }
        guard let (change, hash) = try change(key.lane, key.sequence),
            key.group < change.groups.count, change.groups[key.group].kind == .record,
            change.groups[key.group].subject == .created
        else { return nil }
        let creator = Applicant(change: change, hash: hash, lane: key.lane, context: Clock())
        guard
            let content = emptyContent(
                of: change.groups[key.group], index: key.group, by: creator)
        else { return nil }
        try insert(content, key: key)
        return try table.row(key)
    }

    // MARK: References

    /// The key of a record that the change's author can have known.
    ///
    /// What it can't have known has no effect even where it happens to be here: effects must not
    /// depend on the order of delivery.
    func key(
        of reference: RecordReference, index: Int, for applicant: Applicant
    ) throws -> RecordKey? {
        guard let key = try logs.recordKey(reference, index: index, by: applicant),
            key.lane == applicant.lane && key.sequence == applicant.change.sequence
                || key.sequence <= draft.lanes[key.lane].applied.sequence
        else { return nil }
        return key
    }

    // MARK: Changes that stop or start counting

    /// Carries out what a new admission or cut means for what is here already: records that changes
    /// touched which count otherwise now are computed anew from all that count, never "undone".
    func reconsider(after before: Membership) throws {
        // Not in place: finding changes looks into the draft.
        var membership = draft.membership
        try membership.reconsiderAdmissions(in: logs)
        draft.membership = membership
        draft.membershipChanged = true
        #if DEBUG
            if PlantedDefect.cutSparesWhatCameFirst.isPlanted { return }
        #endif
        let nodes = draft.membership.nodesJudgedOtherwise(than: before)
        guard !nodes.isEmpty else { return }
        let (history, casebook) = (history, draft.casebook.id)
        var keys: Set<RecordKey> = []
        for lane in draft.lanes.lanes where nodes.contains(lane.origin.node) {
            try history.forEachApplied(of: lane) { applicant in
                guard try isAuthorised(applicant) else { return }
                let was = try before.isVoid(applicant, of: casebook, in: history.logs)
                let isNow = try draft.membership.isVoid(
                    applicant, of: casebook, in: history.logs)
                if was != isNow { keys.formUnion(try recordKeys(of: applicant)) }
            }
        }
        for key in keys.sorted() { try recompute(key) }
    }

    /// Works out who the membership comes to, not after each decision: with very many members that takes
    /// long.
    func settleMembers() throws {
        guard draft.membershipChanged else { return }
        draft.members = try draft.membership.members(in: logs)
    }

    private func recordKeys(of applicant: Applicant) throws -> [RecordKey] {
        try applicant.change.groups.enumerated().compactMap { index, group in
            group.kind == .record
                ? try logs.recordKey(of: group, index: index, by: applicant) : nil
        }
    }

    /// Puts a record into the state that follows from all changes of it that count.
    func recompute(_ key: RecordKey) throws {
        let before = try table.row(key)
        let steps = draft.claims.isErased(key) ? [] : try history.steps(of: key)
        switch (before, steps.isEmpty) {
        case (nil, true): return
        case (let row?, true): try remove(row)
        case (nil, false):
            guard let row = try existingRow(key) else { return }
            try replace(row, steps)
        case (let row?, false): try replace(row, steps)
        }
    }

    private func replace(_ row: RecordRow, _ steps: [EditHistory.Step]) throws {
        var row = row
        let before = try content(of: row)
        var after = before
        after.state = try RecordState.meaning(of: steps.map(\.edit), in: logs)
        after.times = Dictionary(
            steps.map { ($0.edit.dot, $0.applicant.change.time) }, uniquingKeysWith: { $1 })
        let newest = steps.max {
            ($0.applicant.change.time, $0.edit.dot) < ($1.applicant.change.time, $1.edit.dot)
        }
        if let newest {
            row.changed = RecordKey(lane: newest.key.lane, sequence: newest.key.sequence)
            row.changedTime = newest.applicant.change.time
        }
        try write(&row, from: before, to: after)
    }

    /// Takes a record away of which nothing counts any more.
    private func remove(_ row: RecordRow) throws {
        let content = try content(of: row)
        draft.casebook.digest.subtract(CanonicalState.term(of: content))
        if content.listing != .deleted {
            try draft.types.count(-1, of: row.type)
            draft.typesChanged = true
        }
        draft.conflictCount -= content.conflicts.count
        draft.openConflicts[row.id] = 0
        try table.delete(row.key)
        draft.records.append(row.id)
    }
}

#if DEBUG
    extension RecordState {
        fileprivate mutating func forgetDelete(of row: RecordRow, at environment: StoreEnvironment)
        {
            let age =
                environment.wallMilliseconds()
                - min(
                    row.changedTime.milliseconds, environment.wallMilliseconds())
            guard !isLive, age > 30 * 86_400_000 else { return }
            state = Cell()
        }
    }
#endif
