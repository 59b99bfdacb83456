import ParleyCRDT
import ParleyModel

/// The logs that are held here with their branches: finds which lane a change is in, and tells
/// ancestors from changes of other branches.
///
/// Nearly all logs have one branch, and for these numbers alone answer; only where a log forked are
/// hashes looked up.
struct HeldLogs: Ancestry {
    let lanes: LaneTable
    /// The hash of a change by the lane that owns it.
    private let find: (Int, UInt64) throws -> Digest?

    init(lanes: LaneTable, find: @escaping (Int, UInt64) throws -> Digest?) {
        self.lanes = lanes
        self.find = find
    }

    // MARK: Finding changes

    /// The lane that owns the change with this sequence number in the branch that ends in a lane.
    func owner(of sequence: UInt64, in branch: Int) -> Int {
        var lane = lanes[branch]
        while sequence <= lane.fork.sequence, let parent = lane.parent { lane = lanes[parent] }
        return lane.number
    }

    /// The hash of a change in the branch that ends in a lane; zero before the first.
    func hash(of sequence: UInt64, in branch: Int) throws -> Digest? {
        sequence == 0 ? .zero : try find(owner(of: sequence, in: branch), sequence)
    }

    /// Whether the changes by which a lane says where it begins, and how far it is held and applied, are
    /// those it names.
    func hasPoints(of lane: Lane) throws -> Bool {
        try [lane.fork, lane.applied, lane.held].allSatisfy { point in
            try hash(of: point.sequence, in: lane.number) == point.hash
        }
    }

    /// The lane that owns a change, `nil` where it isn't held.
    func lane(of dot: Dot) throws -> Int? {
        for lane in lanes.branches(of: dot.origin) where lane.owns(dot.sequence) {
            if try find(lane.number, dot.sequence)?.prefix == dot.hash { return lane.number }
        }
        return nil
    }

    func lane(of tip: Tip, of origin: Origin) throws -> Int? {
        try lane(of: Dot(origin: origin, sequence: tip.sequence, hash: tip.hash))
    }

    /// Whether all of these ends of a log's branches are held.
    func hold(_ tips: [Tip], of origin: Origin) throws -> Bool {
        for tip in tips where try lane(of: tip, of: origin) == nil { return false }
        return true
    }

    /// The lane of a dot that is stored here, so that its change must be held.
    func number(of dot: Dot) throws -> Int {
        if !lanes.hasForked(dot.origin), let lane = lanes[dot.origin] { return lane.number }
        guard let number = try lane(of: dot) else {
            throw StoreError.damaged("a change that is shown isn't in the log")
        }
        return number
    }

    /// Whether a named change is applied here, on the branch that is named.
    func hasApplied(_ tip: Tip, of origin: Origin) throws -> Bool {
        guard let number = try lane(of: tip, of: origin) else { return false }
        return tip.sequence <= lanes[number].applied.sequence
    }

    // MARK: What references mean

    /// The change a reference names within what its author had applied, with the lane that owns
    /// it.
    ///
    /// - Returns: `nil` where the author hadn't applied any such change, where the reference is
    ///   short and the author knew several branches that differ there, or where it isn't held.
    func change(
        named reference: DotReference, in context: Clock
    ) throws -> (dot: Dot, lane: Int)? {
        var found: (dot: Dot, lane: Int)?
        for tip in context[reference.origin] where reference.sequence <= tip.sequence {
            guard let (dot, lane) = try ancestor(reference.sequence, of: tip, of: reference.origin),
                reference.names(dot)
            else { continue }
            guard found == nil || found?.dot == dot else { return nil }
            found = (dot, lane)
        }
        return found
    }

    /// The change of a sequence number at or before a tip.
    private func ancestor(
        _ sequence: UInt64, of tip: Tip, of origin: Origin
    ) throws -> (dot: Dot, lane: Int)? {
        let branch =
            lanes.hasForked(origin)
            ? try lane(of: tip, of: origin) : lanes[origin].map(\.number)
        guard sequence > 0, let branch else { return nil }
        let owner = owner(of: sequence, in: branch)
        guard let hash = try find(owner, sequence) else { return nil }
        return (Dot(origin: origin, sequence: sequence, hash: hash.prefix), owner)
    }

    /// The record a group creates or edits, as far as its author can have known it; `nil` for groups
    /// about something else.
    func recordKey(of group: Group, index: Int, by applicant: Applicant) throws -> RecordKey? {
        switch group.subject {
        case .casebook: nil
        case .created:
            RecordKey(lane: applicant.lane, sequence: applicant.change.sequence, group: index)
        case .existing(let reference): try recordKey(reference, index: index, by: applicant)
        }
    }

    /// - Parameter index: of the group that refers: a change can name what it creates itself before.
    func recordKey(
        _ reference: RecordReference, index: Int, by applicant: Applicant
    ) throws -> RecordKey? {
        guard reference.group <= RecordKey.maximumGroup else { return nil }
        if reference.creation.names(applicant.dot) {
            guard reference.group < index else { return nil }
            return RecordKey(
                lane: applicant.lane, sequence: applicant.change.sequence,
                group: Int(reference.group))
        }
        guard let (dot, lane) = try change(named: reference.creation, in: applicant.context) else {
            return nil
        }
        return RecordKey(lane: lane, sequence: dot.sequence, group: Int(reference.group))
    }

    /// The writes a group means, `nil` where this version can't interpret it.
    ///
    /// What the author can't have known is dropped by nobody, even where it happens to be here:
    /// effects must not depend on the order of delivery.
    func writes(of group: Group, by applicant: Applicant) throws -> [CellWrite]? {
        var failure: (any Error)?
        let writes = group.writes { reference in
            do {
                return try change(named: reference, in: applicant.context).map { [$0.dot] } ?? []
            } catch {
                failure = error
                return []
            }
        }
        if let failure { throw failure }
        return writes
    }

    /// How an author whose context this is names a change: long only where a short name would be
    /// ambiguous.
    func reference(to dot: Dot, in context: Clock) throws -> DotReference {
        let short = DotReference(dot)
        guard context[dot.origin].count > 1, try change(named: short, in: context) == nil else {
            return short
        }
        return DotReference(origin: dot.origin, sequence: dot.sequence, hash: dot.hash)
    }

    // MARK: Ancestry

    func contains(_ dot: Dot, upTo tip: Tip) throws -> Bool {
        guard lanes.hasForked(dot.origin) else {
            return LinearAncestry().contains(dot, upTo: tip)
        }
        guard dot.sequence <= tip.sequence, let branch = try lane(of: tip, of: dot.origin) else {
            return dot.tip == tip
        }
        return try hash(of: dot.sequence, in: branch)?.prefix == dot.hash
    }
}
