import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// A change about to be applied, with all that its groups are judged by.
struct Applicant {
    let change: Change
    let hash: Digest
    let lane: Int
    /// What its author had applied, its own predecessor included.
    let context: Clock

    init(change: Change, hash: Digest, lane: Int, context: Clock) {
        self.change = change
        self.hash = hash
        self.lane = lane
        self.context = context
    }

    /// The next change of a lane.
    init(_ change: Change, hash: Digest, follows lane: Lane) {
        var context = lane.context
        for entry in change.contextDelta { context.set(entry) }
        if lane.applied.sequence > 0 {
            context.set(Clock.Entry(origin: lane.origin, tip: lane.applied.tip))
        }
        self.init(change: change, hash: hash, lane: lane.number, context: context)
    }

    /// The first change of a log, which needs no lane to be judged.
    init(beginning change: Change, hash: Digest) {
        self.init(change: change, hash: hash, lane: 0, context: Clock(change.contextDelta))
    }

    var dot: Dot {
        Dot(origin: change.origin, sequence: change.sequence, hash: hash.prefix)
    }

    /// Whether this is the change a casebook begins with.
    func isFounding(_ casebook: Digest) -> Bool { change.sequence == 1 && hash == casebook }

    func covers(_ dot: Dot) -> Bool { context.covers(dot, in: LinearAncestry()) }

    /// Whether its author had applied what a reference names.
    func covers(_ reference: DotReference) -> Bool {
        context[reference.origin].contains { reference.sequence <= $0.sequence }
    }
}

/// Merging: what a change that is next in its log and whose causes are all here does to the store.
extension Transaction {
    /// Applies the next change of a lane. The caller has checked that its context is covered.
    ///
    /// What its own context doesn't authorise keeps its place in log and clock and has no effect,
    /// here as on every other node: refusing it would split those who met it from those who didn't.
    func apply(
        _ change: Change, hash: Digest, lane number: Int, prepared: [PreparedCreation?] = []
    ) throws {
        let applicant = Applicant(change, hash: hash, follows: draft.lanes[number])
        var lane = draft.lanes[number]
        for entry in change.contextDelta { lane.context.set(entry) }
        draft.changedLanes.insert(number)
        lane.applied = Lane.Point(sequence: change.sequence, hash: hash)
        lane.waitsFor = nil
        draft.lanes[number] = lane
        if isAuthorised(applicant) {
            for (index, group) in change.groups.enumerated() {
                try apply(
                    group, index: index, of: applicant,
                    prepared: index < prepared.count ? prepared[index] : nil)
            }
        }
        if lane.origin != draft.casebook.origin { noteTime(of: change, lane: number) }
        try noteContext(lane)
    }

    /// Follows another's clock, and takes note where it is too far ahead to be followed. The change
    /// is applied all the same: a chained log can't skip an entry.
    private func noteTime(of change: Change, lane number: Int) {
        let wall = environment.wallMilliseconds()
        let isNear = draft.casebook.clock.observe(change.time, wallMilliseconds: wall)
        draft.lanes[number].lead = isNear ? 0 : change.time.milliseconds - wall
        draft.lanes[number].leadSeen = isNear ? 0 : wall
    }

    // MARK: Authority

    func isAuthorised(_ applicant: Applicant) -> Bool {
        draft.membership.authorises(applicant, of: draft.casebook.id)
    }

    // MARK: Groups

    private func apply(
        _ group: Group, index: Int, of applicant: Applicant, prepared: PreparedCreation?
    ) throws {
        let isApplied =
            switch (group.kind, group.subject) {
            case (.record, .created):
                try create(group, index: index, by: applicant, prepared: prepared)
            case (.record, .existing(let record)):
                try edit(record, group, index: index, by: applicant)
            case (.reason, _): true
            case (.founding, _), (.admission, _):
                try admit(group, index: index, by: applicant)
            default: false
            }
        guard !isApplied else { return }
        let key = RecordKey(
            lane: applicant.lane, sequence: applicant.change.sequence, group: index)
        try table.noteUninterpreted(key, kind: group.kind)
        draft.uninterpretedCount += 1
    }

    private func admit(_ group: Group, index: Int, by applicant: Applicant) throws -> Bool {
        guard case .payload(let bytes) = group.content else { return false }
        let admission: Admission
        if group.kind == .founding {
            guard let founding = try? Founding(bytes: bytes) else { return false }
            draft.casebook.name = founding.casebookName
            draft.casebook.schema = founding.schemaName
            draft.casebook.schemaVersion = founding.schemaVersion
            admission = Admission(
                node: applicant.change.origin.node, role: .coordinator, name: founding.memberName)
        } else {
            guard let read = try? Admission(bytes: bytes) else { return false }
            admission = read
        }
        let admitted = Membership.Admitted(
            dot: applicant.dot, part: index, time: applicant.change.time,
            context: applicant.context, node: admission.node, role: admission.role,
            name: admission.name)
        try Membership.insert(admitted, lane: applicant.lane, db)
        draft.membership.add(admitted)
        draft.membershipChanged = true
        return true
    }

    // MARK: Records

    private func create(
        _ group: Group, index: Int, by applicant: Applicant, prepared: PreparedCreation?
    ) throws -> Bool {
        let plain =
            prepared ?? PreparedCreation(group, index: index, change: applicant.hash)
        guard let plain else { return try createInGeneral(group, index: index, by: applicant) }
        let key = RecordKey(
            lane: applicant.lane, sequence: applicant.change.sequence, group: index)
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
        guard let writes = try writes(of: group, by: applicant),
            var content = emptyContent(of: group, index: index, by: applicant)
        else { return false }
        content.state.apply(writes, dot: applicant.dot, covers: applicant.covers)
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
            side: SideBlob(lanes: draft.lanes).encode(content))
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
        if row.listing != .deleted { draft.types.count(1, of: row.type) }
        draft.typesChanged = true
        draft.records.append(row.id)
    }

    private func edit(
        _ reference: RecordReference, _ group: Group, index: Int, by applicant: Applicant
    ) throws -> Bool {
        guard let key = try key(of: reference, index: index, for: applicant),
            let writes = try writes(of: group, by: applicant),
            var row = try existingRow(key)
        else { return false }
        let change = RecordKey(lane: applicant.lane, sequence: applicant.change.sequence)
        var content = try content(of: row)
        let before = content
        content.state.apply(writes, dot: applicant.dot, covers: applicant.covers)
        content.times[applicant.dot] = applicant.change.time
        row.listing = content.listing
        row.document = content.document.json
        row.side = SideBlob(lanes: draft.lanes).encode(content)
        if try isNewer(applicant, than: row) {
            row.changed = change
            row.changedTime = applicant.change.time
        }
        try table.update(row)
        try table.touch(
            key, by: RecordKey(lane: change.lane, sequence: change.sequence, group: index))
        if !before.conflicts.isEmpty || !content.conflicts.isEmpty {
            try table.setConflicts(key, content.conflicts)
            draft.conflictCount += content.conflicts.count - before.conflicts.count
            draft.openConflicts[row.id] = content.conflicts.count
        }
        if key.packed <= draft.lanes[key.lane].searched { try table.queueForSearch(key) }
        note(row, from: before, to: content)
        return true
    }

    private func note(_ row: RecordRow, from before: RecordContent, to after: RecordContent) {
        draft.casebook.digest.subtract(CanonicalState.term(of: before))
        draft.casebook.digest.add(CanonicalState.term(of: after))
        let wasListed = before.listing != .deleted
        let isListed = after.listing != .deleted
        if wasListed != isListed {
            draft.types.count(isListed ? 1 : -1, of: row.type)
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
    private func key(
        of reference: RecordReference, index: Int, for applicant: Applicant
    ) throws -> RecordKey? {
        let creation = reference.creation
        let isOwn = creation.origin == applicant.change.origin
        let isEarlierGroup =
            isOwn && creation.sequence == applicant.change.sequence && reference.group < index
        guard isEarlierGroup || applicant.covers(creation),
            let lane = draft.lanes[creation.origin],
            creation.sequence <= lane.applied.sequence,
            reference.group <= RecordKey.maximumGroup
        else { return nil }
        if let named = creation.hash {
            guard try hash(lane.number, creation.sequence)?.prefix == named else { return nil }
        }
        return RecordKey(
            lane: lane.number, sequence: creation.sequence, group: Int(reference.group))
    }

    private func writes(of group: Group, by applicant: Applicant) throws -> [CellWrite]? {
        let references = ReferenceResolver(lanes: draft.lanes) { try self.hash($0, $1) }
        return try references.writes(of: group, by: applicant)
    }

    // MARK: Contexts

    /// Changes between two kept contexts of a lane.
    private static let contextInterval: UInt64 = 64

    private func noteContext(_ lane: Lane) throws {
        guard lane.applied.sequence.isMultiple(of: Transaction.contextInterval) else { return }
        let query = try Query(
            db, "INSERT OR IGNORE INTO context (lane, sequence, clock) VALUES (?1, ?2, ?3)")
        query.bind(1, lane.number)
        query.bind(2, lane.applied.sequence)
        query.bind(3, blob: lane.context.stored)
        try query.run()
    }
}
