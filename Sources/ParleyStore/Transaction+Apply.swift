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
        context.set(sorted: change.contextDelta)
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
        lane.context.set(sorted: change.contextDelta)
        draft.changedLanes.insert(number)
        lane.applied = Lane.Point(sequence: change.sequence, hash: hash)
        lane.waitsFor = nil
        draft.lanes[number] = lane
        if try isAuthorised(applicant) {
            try applyGroups(of: applicant, prepared)
        } else {
            try touchRecords(of: applicant)
        }
        try settleClaims(after: applicant)
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

    func isAuthorised(_ applicant: Applicant) throws -> Bool {
        try draft.membership.authorises(applicant, of: draft.casebook.id, in: logs)
    }

    // MARK: Groups

    private func applyGroups(
        of applicant: Applicant, _ prepared: [PreparedCreation?]
    ) throws {
        let isVoid = try draft.membership.isVoid(
            applicant, of: draft.casebook.id, in: logs)
        let before = draft.membership
        var movesMembership = false
        for (index, group) in applicant.change.groups.enumerated() {
            let isApplied =
                switch (group.kind, group.subject) {
                case (.record, .created):
                    try isVoid
                        || create(
                            group, index: index, by: applicant,
                            prepared: index < prepared.count ? prepared[index] : nil)
                case (.record, .existing(let record)):
                    try edit(record, group, index: index, by: applicant, isVoid: isVoid)
                case (.reason, _): true
                case (.founding, _), (.admission, _):
                    try admit(group, index: index, by: applicant)
                case (.cut, _): try cut(group, index: index, by: applicant)
                case (.erasure, _), (.redaction, _):
                    try claim(group, index: index, by: applicant)
                case (.receipt, _): try receive(group, by: applicant)
                default: false
                }
            if [.founding, .admission, .cut].contains(group.kind) { movesMembership = true }
            guard !isApplied else { continue }
            let key = RecordKey(
                lane: applicant.lane, sequence: applicant.change.sequence, group: index)
            try table.noteUninterpreted(key, kind: group.kind)
            draft.uninterpretedCount += 1
        }
        if movesMembership { try reconsider(after: before) }
    }

    private func admit(_ group: Group, index: Int, by applicant: Applicant) throws -> Bool {
        guard
            let admitted = Membership.Admitted(group, index, by: applicant, of: draft.casebook.id)
        else { return false }
        if group.kind == .founding, case .payload(let bytes) = group.content,
            let founding = try? Founding(bytes: bytes)
        {
            draft.casebook.name = founding.casebookName
            draft.casebook.schema = founding.schemaName
            draft.casebook.schemaVersion = founding.schemaVersion
        }
        try Membership.insert(admitted, lane: applicant.lane, db)
        draft.membership.add(admitted)
        return true
    }

    private func cut(_ group: Group, index: Int, by applicant: Applicant) throws -> Bool {
        guard let made = Membership.CutMade(group, index, by: applicant) else { return false }
        try Membership.insert(made, lane: applicant.lane, db)
        draft.membership.add(made)
        return true
    }

    // MARK: Contexts

    /// Changes between two kept contexts of a lane.
    static let contextInterval: UInt64 = 64

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
