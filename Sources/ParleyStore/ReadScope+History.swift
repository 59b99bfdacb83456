package import ParleyCRDT
import ParleyLog
package import ParleyModel

/// A change as it stands in the log, with what its groups are about.
package struct LoggedChange: Hashable, Sendable {
    package let dot: Dot
    package let change: Change
    /// For each group, the record it creates or edits; `nil` for other groups.
    package let recordIDs: [RecordID?]

    package var time: HybridTime { change.time }
}

/// What was done, by whom, and what they had seen.
extension ReadScope {
    /// An applied change, `nil` where it isn't applied here.
    package func loggedChange(_ dot: Dot) throws -> LoggedChange? {
        guard let lane = try lanes()[dot.origin] else { return nil }
        let logged = try loggedChange(lane, dot.sequence)
        return logged?.dot == dot ? logged : nil
    }

    /// The applied changes a typed beginning may mean, sorted.
    package func dots(matching pattern: DotPattern) throws -> [Dot] {
        try settleLog()
        return try lanes().lanes
            .filter { pattern.matches($0.origin) && pattern.sequence <= $0.applied.sequence }
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
        return try changes(of: row.key).compactMap {
            try loggedChange(lanes()[$0.lane], $0.sequence)
        }
        .sorted { ($0.time, $0.dot) > ($1.time, $1.dot) }
        .prefix(limit).map(\.self)
    }

    /// Takes the newest of the logs' ends, again and again.
    private func history(limit: Int) throws -> [LoggedChange] {
        var ends = try lanes().lanes.compactMap { try loggedChange($0, $0.applied.sequence) }
        var history: [LoggedChange] = []
        while history.count < limit,
            let newest = ends.indices.max(by: {
                (ends[$0].time, ends[$0].dot) < (ends[$1].time, ends[$1].dot)
            })
        {
            let found = ends.remove(at: newest)
            history.append(found)
            if let lane = try lanes()[found.dot.origin],
                let before = try loggedChange(lane, found.dot.sequence - 1)
            {
                ends.append(before)
            }
        }
        return history
    }

    private func loggedChange(_ lane: Lane, _ sequence: UInt64) throws -> LoggedChange? {
        try settleLog()
        guard (1...max(lane.applied.sequence, 1)).contains(sequence),
            let (change, hash) = try log.change(lane.number, sequence)
        else { return nil }
        let dot = Dot(origin: lane.origin, sequence: sequence, hash: hash.prefix)
        let recordIDs = try change.groups.enumerated().map { index, group -> RecordID? in
            switch group.subject {
            case .casebook: nil
            case .created: RecordID(change: hash, group: index)
            case .existing(let reference): try recordID(reference)
            }
        }
        return LoggedChange(dot: dot, change: change, recordIDs: recordIDs)
    }

    private func recordID(_ reference: RecordReference) throws -> RecordID? {
        guard let lane = try lanes()[reference.creation.origin],
            reference.creation.sequence <= lane.applied.sequence
        else { return nil }
        let key = RecordKey(
            lane: lane.number, sequence: reference.creation.sequence,
            group: Int(reference.group))
        return try RecordTable(db: db).row(key)?.id
    }

    /// A record's changes, its creation first, the others by lane and sequence.
    private func changes(of key: RecordKey) throws -> [RecordKey] {
        let query = try Query(db, "SELECT change FROM touch WHERE n = ?1 ORDER BY change")
        query.bind(1, key.packed)
        return try [key] + query.all { RecordKey(packed: $0.int64(0)) }
    }

    // MARK: Contexts

    /// All that a change's author had applied, its own predecessor included.
    package func context(of dot: Dot) throws -> Clock {
        guard let lane = try lanes()[dot.origin], dot.sequence <= lane.applied.sequence else {
            return Clock()
        }
        return try context(lane, dot.sequence)
    }

    /// Follows the log from the nearest kept context.
    private func context(_ lane: Lane, _ sequence: UInt64) throws -> Clock {
        try settleLog()
        let query = try Query(
            db,
            """
            SELECT sequence, clock FROM context WHERE lane = ?1 AND sequence <= ?2
            ORDER BY sequence DESC LIMIT 1
            """)
        query.bind(1, lane.number)
        query.bind(2, sequence)
        let kept = try query.first { ($0.word(0), try Clock(stored: $0.bytes(1))) }
        var (next, context) = kept.map { ($0.0 + 1, $0.1) } ?? (1, Clock())
        while next <= sequence {
            guard let (change, _) = try log.change(lane.number, next) else {
                throw StoreError.damaged("a log has a gap")
            }
            for entry in change.contextDelta { context.set(entry) }
            next += 1
        }
        if sequence > 1, let previous = try hash(lane.number, sequence - 1) {
            context.set(
                Clock.Entry(
                    origin: lane.origin, tip: Tip(sequence: sequence - 1, hash: previous.prefix)))
        }
        return context
    }

    /// A record's changes as edits, each with its author's context: what its state follows from,
    /// and from any part of them the state at an earlier point.
    ///
    /// - Returns: the creation first; those without effect left out.
    package func edits(of record: RecordID) throws -> [(edit: Edit, time: HybridTime)] {
        guard let row = try row(record) else { return [] }
        try settleLog()
        var edits: [(edit: Edit, time: HybridTime)] = []
        for key in try changes(of: row.key) {
            let lane = try lanes()[key.lane]
            guard let (change, hash) = try log.change(key.lane, key.sequence) else {
                throw StoreError.damaged("a log has a gap")
            }
            let applicant = Applicant(
                change: change, hash: hash, lane: key.lane,
                context: try context(lane, key.sequence))
            // A creation that wasn't permitted has a row as soon as a permitted edit touches it.
            guard try membership().authorises(applicant, of: casebook().id) else { continue }
            let references = ReferenceResolver(lanes: try lanes()) { try self.hash($0, $1) }
            guard let writes = try references.writes(of: change.groups[key.group], by: applicant)
            else { continue }
            edits.append(
                (
                    Edit(dot: applicant.dot, context: applicant.context, writes: writes),
                    change.time
                ))
        }
        return edits
    }
}
