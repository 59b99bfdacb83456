import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel

/// The changes behind what is merged: with the context each was made in, and record by record.
///
/// Works on a snapshot as well as inside a transaction: both know their logs and find changes.
struct EditHistory {
    let db: Database
    let logs: HeldLogs
    let membership: Membership
    let casebook: Digest
    let claims: Claims
    /// Whether changes may hold what claims are about, because that hasn't been taken out yet.
    let isHiding: Bool
    /// A held change by the lane that owns it, as it is stored.
    let find: (Int, UInt64) throws -> (change: Change, hash: Digest)?
    /// What the authors of held changes had come to know, each since the one before.
    let contextDeltas: (Int, ClosedRange<UInt64>) throws -> [[Clock.Entry]]
    /// The salts of a held change.
    let salts: (Int, UInt64) throws -> ChangeSalts?

    /// One change's writes to a record.
    struct Step {
        let applicant: Applicant
        /// Index of the group that makes them.
        let group: Int
        let edit: Edit

        var key: RecordKey {
            RecordKey(
                lane: applicant.lane, sequence: applicant.change.sequence, group: group)
        }
    }

    // MARK: Contexts

    /// A change with all that its author had applied, without what an erasure or a redaction hides
    /// that hasn't been carried out.
    func applicant(_ lane: Int, _ sequence: UInt64) throws -> Applicant {
        let stored = try storedApplicant(lane, sequence)
        guard isHiding, claims.concern(stored.change, lane: lane, in: logs.lanes) else {
            return stored
        }
        let removal = try claims.removal(from: stored, in: logs)
        guard !removal.isEmpty, let salts = try salts(lane, sequence) else { return stored }
        let change: Change
        do {
            change = try stored.change.removing(removal, salts: salts)
        } catch {
            throw StoreError.log(error)
        }
        return Applicant(
            change: change, hash: stored.hash, lane: lane, context: stored.context)
    }

    /// A change as it is stored, with all that its author had applied.
    func storedApplicant(_ lane: Int, _ sequence: UInt64) throws -> Applicant {
        guard let (change, hash) = try find(lane, sequence) else {
            throw StoreError.damaged("a log has a gap")
        }
        return Applicant(
            change: change, hash: hash, lane: lane, context: try context(lane, sequence))
    }

    /// What the author of a change had applied, its own predecessor included: follows the branch
    /// from the nearest context that was kept.
    func context(_ lane: Int, _ sequence: UInt64) throws -> Clock {
        let lane = logs.lanes[lane]
        let (next, kept) = try kept(lane, sequence)
        var context = kept
        if next <= sequence {
            for delta in try contextDeltas(lane.number, next...sequence) {
                context.set(sorted: delta)
            }
        }
        try addPredecessor(of: sequence, in: lane, to: &context)
        return context
    }

    private func addPredecessor(
        of sequence: UInt64, in lane: Lane, to context: inout Clock
    ) throws {
        guard sequence > 1, let previous = try logs.hash(of: sequence - 1, in: lane.number) else {
            return
        }
        context.set(
            Clock.Entry(
                origin: lane.origin, tip: Tip(sequence: sequence - 1, hash: previous.prefix)))
    }

    /// The nearest kept context at or before a change, and the sequence number after it.
    private func kept(_ lane: Lane, _ sequence: UInt64) throws -> (next: UInt64, context: Clock) {
        let query = try Query(
            db,
            """
            SELECT sequence, clock FROM context WHERE lane = ?1 AND sequence BETWEEN 1 AND ?2
            ORDER BY sequence DESC LIMIT 1
            """)
        query.bind(1, lane.number)
        query.bind(2, sequence)
        if let kept = try query.first({ ($0.word(0) + 1, try Clock(stored: $0.bytes(1))) }) {
            return kept
        }
        guard let parent = lane.parent, lane.fork.sequence > 0 else { return (1, Clock()) }
        let owner = logs.owner(of: lane.fork.sequence, in: parent)
        return (lane.fork.sequence + 1, try context(owner, lane.fork.sequence))
    }

    /// Visits the applied changes that a lane owns, in order.
    func forEachApplied(of lane: Lane, _ body: (Applicant) throws -> Void) throws {
        guard lane.applied.sequence > lane.fork.sequence else { return }
        var context = try kept(lane, lane.fork.sequence).context
        for sequence in lane.fork.sequence + 1...lane.applied.sequence {
            guard let (change, hash) = try find(lane.number, sequence) else {
                throw StoreError.damaged("a log has a gap")
            }
            context.set(sorted: change.contextDelta)
            try addPredecessor(of: sequence, in: lane, to: &context)
            try body(Applicant(change: change, hash: hash, lane: lane.number, context: context))
        }
    }

    // MARK: Records

    /// The changes of a record that were permitted: its creation first, the others by lane and
    /// sequence number.
    ///
    /// - Parameter counting: leaves out those that are void.
    func steps(of key: RecordKey, counting: Bool = true) throws -> [Step] {
        try ([key] + RecordTable(db: db).touches(of: key)).compactMap {
            try step($0, counting: counting)
        }
    }

    private func step(_ key: RecordKey, counting: Bool) throws -> Step? {
        let applicant = try applicant(key.lane, key.sequence)
        guard key.group < applicant.change.groups.count,
            try membership.authorises(applicant, of: casebook, in: logs),
            try !counting || !membership.isVoid(applicant, of: casebook, in: logs),
            let writes = try logs.writes(of: applicant.change.groups[key.group], by: applicant)
        else { return nil }
        return Step(
            applicant: applicant, group: key.group,
            edit: Edit(dot: applicant.dot, context: applicant.context, writes: writes))
    }
}
