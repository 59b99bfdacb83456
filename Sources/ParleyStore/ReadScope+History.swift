package import ParleyCRDT
import ParleyLog
package import ParleyModel
import ParleyWire

/// A change as it stands in the log, with what its groups are about.
package struct LoggedChange: Hashable, Sendable {
    package let dot: Dot
    package let change: Change
    /// For each group, the record it creates, edits or takes back; `nil` for other groups.
    package let recordIDs: [RecordID?]

    package var time: HybridTime { change.time }
}

/// What was done, by whom, and what they had seen.
extension ReadScope {
    /// An applied change, `nil` where it isn't applied here.
    package func loggedChange(_ dot: Dot) throws -> LoggedChange? {
        guard let lane = try logs().lane(of: dot) else { return nil }
        return try loggedChange(lanes()[lane], dot.sequence)
    }

    /// Whether an applied change counts, and why not.
    package func standing(of change: LoggedChange) throws -> ChangeStanding {
        let (dot, membership) = (change.dot, try membership())
        guard let lane = try logs().lane(of: dot) else { return .counts }
        let kinds = Set(change.change.groups.map(\.kind))
        let isPlain = membership.alwaysPermits(dot.origin.node, kinds)
        guard !isPlain || !membership.cuts.isEmpty else { return .counts }
        return try membership.standing(
            of: history().storedApplicant(lane, dot.sequence), of: casebook().id, in: logs())
    }

    /// The applied changes a typed beginning may mean, sorted.
    package func dots(matching pattern: DotPattern) throws -> [Dot] {
        try settleLog()
        return try lanes().lanes
            .filter {
                pattern.matches($0.origin) && $0.owns(pattern.sequence)
                    && pattern.sequence <= $0.applied.sequence
            }
            .compactMap { lane in
                try hash(lane.number, pattern.sequence).map {
                    Dot(origin: lane.origin, sequence: pattern.sequence, hash: $0.prefix)
                }
            }
            .filter { pattern.matches($0) }
            .sorted()
    }

    /// Applied changes, newest first by hybrid time.
    ///
    /// - Parameters:
    ///   - record: `nil` for the whole casebook.
    ///   - limit: 0 for all.
    package func history(of record: RecordID?, limit: Int) throws -> [LoggedChange] {
        let limit = limit == 0 ? Int.max : limit
        guard let record else { return try history(limit: limit) }
        guard let row = try row(record) else { return [] }
        return try ([row.key] + RecordTable(db: db).touches(of: row.key)).compactMap {
            try loggedChange(lanes()[$0.lane], $0.sequence)
        }
        .sorted { ($0.time, $0.dot) > ($1.time, $1.dot) }
        .prefix(limit).map(\.self)
    }

    /// Takes the newest of the lanes' ends, again and again.
    private func history(limit: Int) throws -> [LoggedChange] {
        let lanes = try lanes().lanes
        var ends: [(lane: Lane, change: LoggedChange)] = try lanes.compactMap { lane in
            try loggedChange(lane, lane.applied.sequence).map { (lane, $0) }
        }
        var history: [LoggedChange] = []
        while history.count < limit,
            let newest = ends.indices.max(by: {
                let (left, right) = (ends[$0].change, ends[$1].change)
                return (left.time, left.dot) < (right.time, right.dot)
            })
        {
            let (lane, found) = ends.remove(at: newest)
            history.append(found)
            if let before = try loggedChange(lane, found.dot.sequence - 1) {
                ends.append((lane, before))
            }
        }
        return history
    }

    /// A change that a lane owns and that is applied, `nil` for others.
    func loggedChange(_ lane: Lane, _ sequence: UInt64) throws -> LoggedChange? {
        try settleLog()
        guard lane.owns(sequence), sequence <= lane.applied.sequence,
            let (stored, hash) = try log.change(lane.number, sequence)
        else { return nil }
        let isHidden =
            try isHiding()
            && claims().concern(stored, lane: lane.number, in: lanes())
        let change = try isHidden ? history().applicant(lane.number, sequence).change : stored
        let dot = Dot(origin: lane.origin, sequence: sequence, hash: hash.prefix)
        // Only references of forked logs need the context to be understood.
        let isPlain = try lanes().forked.isEmpty
        let context = try isPlain ? lanes().appliedClock : history().context(lane.number, sequence)
        let recordIDs = try change.groups.enumerated().map { index, group -> RecordID? in
            switch group.subject {
            case .casebook: try group.claimed.flatMap { try recordID($0.record, in: context) }
            case .created: RecordID(change: hash, group: index)
            case .existing(let reference): try recordID(reference, in: context)
            }
        }
        return LoggedChange(dot: dot, change: change, recordIDs: recordIDs)
    }

    private func recordID(_ reference: RecordReference, in context: Clock) throws -> RecordID? {
        guard reference.group <= RecordKey.maximumGroup,
            let (dot, lane) = try logs().change(named: reference.creation, in: context)
        else { return nil }
        let key = RecordKey(lane: lane, sequence: dot.sequence, group: Int(reference.group))
        return try RecordTable(db: db).row(key)?.id ?? claims().about(key).first?.id
    }

    /// All that a change's author had applied, its own predecessor included.
    package func context(of dot: Dot) throws -> Clock {
        guard let lane = try logs().lane(of: dot),
            try dot.sequence <= lanes()[lane].applied.sequence
        else { return Clock() }
        return try history().context(lane, dot.sequence)
    }

    /// A record's changes that count as edits, each with its author's context: what its state
    /// follows from, and from any part of them the state at an earlier point.
    ///
    /// - Returns: the creation first.
    package func edits(of record: RecordID) throws -> [(edit: Edit, time: HybridTime)] {
        guard let row = try row(record) else { return [] }
        return try history().steps(of: row.key).map { ($0.edit, $0.applicant.change.time) }
    }
}
