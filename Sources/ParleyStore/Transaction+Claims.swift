import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// Erasures and redactions: taking note of them, hiding what they are about, and telling whether
/// one accounts for what a change lacks.
extension Transaction {
    /// Within this time, in milliseconds, so many erasures are carried out, and further ones once a
    /// person has confirmed them here: a stolen key must not be able to destroy a casebook. Whose
    /// they are makes no difference, because a coordinator's key admits as many others as it likes.
    private static let confirmationPeriod: UInt64 = 24 * 60 * 60 * 1000
    private static let confirmationFreeCount = 20

    // MARK: Applying

    /// Applies an erasure or a redaction: hides what it is about at once.
    ///
    /// - Returns: whether it could be interpreted.
    func claim(_ group: Group, index: Int, by applicant: Applicant) throws -> Bool {
        guard let (reference, field, basis) = group.claimed else { return false }
        guard let record = try key(of: reference, index: index, for: applicant),
            let hash = try hash(record.lane, record.sequence)
        else { return false }
        var claim = Claim(
            source: RecordKey(
                lane: applicant.lane, sequence: applicant.change.sequence, group: index),
            dot: applicant.dot, record: record, id: RecordID(change: hash, group: record.group),
            field: field, time: applicant.change.time, seen: environment.wallMilliseconds(),
            state: .due, basis: basis)
        if needsConfirmation(claim) { claim.state = .unconfirmed }
        try claim.save(db)
        draft.claims.set(claim)
        try recompute(record)
        return true
    }

    /// By when they were written and by when they came: a clock that is set back opens no way.
    private func needsConfirmation(_ claim: Claim) -> Bool {
        var others = Array(draft.claims.all.values)
        #if DEBUG
            if PlantedDefect.brakePerKey.isPlanted {
                others.removeAll { $0.dot.origin.node != claim.dot.origin.node }
            }
        #endif
        func isNear(_ left: UInt64, _ right: UInt64) -> Bool {
            max(left, right) - min(left, right) < Transaction.confirmationPeriod
        }
        let written = others.filter { isNear($0.time.milliseconds, claim.time.milliseconds) }
        let came = others.filter { isNear($0.seen, claim.seen) }
        return max(Set(written.map(\.record)).count, Set(came.map(\.record)).count)
            >= Transaction.confirmationFreeCount
    }

    /// Takes note of a node's word that it has carried out an erasure.
    func receive(_ group: Group, by applicant: Applicant) throws -> Bool {
        guard case .payload(let bytes) = group.content, let receipt = try? Receipt(bytes: bytes),
            let (dot, lane) = try logs.change(named: receipt.erasure, in: applicant.context)
        else { return false }
        let query = try Query(
            db,
            "INSERT OR IGNORE INTO receipt (lane, sequence, node, time) VALUES (?1, ?2, ?3, ?4)")
        query.bind(1, lane)
        query.bind(2, dot.sequence)
        query.bind(3, blob: applicant.change.origin.node.bytes)
        query.bind(4, applicant.change.time.rawValue)
        try query.run()
        return true
    }

    // MARK: What is lacking

    /// Notes the erasures in what has just been stored, before they can be applied: they account
    /// for stubs that come before them.
    func noteHeldClaims(in changes: some Collection<Change>, lane: Int) throws {
        for change in changes {
            for (index, group) in change.groups.enumerated()
            where group.kind.takesOut {
                let query = try Query(
                    db,
                    "INSERT OR IGNORE INTO held_claim (lane, sequence, part) VALUES (?1, ?2, ?3)")
                query.bind(1, lane)
                query.bind(2, change.sequence)
                query.bind(3, index)
                try query.run()
            }
        }
    }

    /// Erasures and redactions in a change are applied now, or turned out not to be permitted.
    func settleClaims(after applicant: Applicant) throws {
        guard applicant.change.groups.contains(where: { $0.kind.takesOut }) else { return }
        let query = try Query(db, "DELETE FROM held_claim WHERE lane = ?1 AND sequence = ?2")
        query.bind(1, applicant.lane)
        query.bind(2, applicant.change.sequence)
        try query.run()
        try settleStubs()
    }

    /// Whether a change that is next in its lane may be applied: one that lacks something waits
    /// for what accounts for that, or else whoever relays it could take out what they like.
    func mayApply(_ change: Change, hash: Digest, lane: Lane) throws -> Bool {
        guard change.needsClaim else { return true }
        #if DEBUG
            if PlantedDefect.stubTakenOnTrust.isPlanted { return true }
        #endif
        let applicant = Applicant(change, hash: hash, follows: lane)
        guard try !isAccountedForByApplied(applicant) else {
            try forgetStub(lane.number, change.sequence)
            return true
        }
        // It is asked for again, applied on credit or not.
        try noteStub(applicant)
        return try isAccountedFor(applicant)
    }

    /// Whether an erasure or redaction that is held, applied or not, accounts for everything that a
    /// change lacks.
    private func isAccountedFor(_ applicant: Applicant) throws -> Bool {
        try lacks(of: applicant).allSatisfy { lack in
            try isAppliedClaim(about: lack, for: applicant)
                || heldClaims().contains { claim in
                    try claim.record == lack.record && claim.field == lack.field
                        && (lack.field == nil
                            || !applicant.context.covers(claim.dot, in: logs))
                }
        }
    }

    /// The same, of applied ones only.
    func isAccountedForByApplied(_ applicant: Applicant) throws -> Bool {
        try lacks(of: applicant).allSatisfy { try isAppliedClaim(about: $0, for: applicant) }
    }

    private struct Lack {
        /// `nil` for a reason whose change lacks nothing else: nothing accounts for that.
        let record: RecordKey?
        let field: FieldName?
    }

    private func isAppliedClaim(about lack: Lack, for applicant: Applicant) throws -> Bool {
        guard let record = lack.record else { return false }
        return try draft.claims.about(record).contains { claim in
            try claim.field == lack.field
                && (lack.field == nil || !applicant.context.covers(claim.dot, in: logs))
        }
    }

    private func lacks(of applicant: Applicant) throws -> [Lack] {
        var lacks: [Lack] = []
        for (index, group) in applicant.change.groups.enumerated() {
            if group.kind == .reason {
                if group.isStub, !applicant.change.isMissingSomething {
                    lacks.append(Lack(record: nil, field: nil))
                }
                continue
            }
            let fields: [FieldName?] = group.isStub ? [nil] : Array(group.erasedFields)
            guard !fields.isEmpty else { continue }
            let record = try logs.recordKey(of: group, index: index, by: applicant)
            lacks += fields.map { Lack(record: record, field: $0) }
        }
        return lacks
    }

    private func heldClaims() throws -> [(record: RecordKey, field: FieldName?, dot: Dot)] {
        let keys = try Query(db, "SELECT lane, sequence, part FROM held_claim").all { row in
            try RecordKey(row, at: 0, hasGroup: true)
        }
        return try keys.compactMap { key in
            let applicant = try history.applicant(key.lane, key.sequence)
            guard key.group < applicant.change.groups.count,
                let claimed = applicant.change.groups[key.group].claimed
            else { return nil }
            return try logs.recordKey(claimed.record, index: key.group, by: applicant)
                .map { ($0, claimed.field, applicant.dot) }
        }
    }

    /// Forgets the credit of changes that an applied erasure accounts for now.
    private func settleStubs() throws {
        let keys = try Query(db, "SELECT lane, sequence FROM stub").all { row in
            try RecordKey(row, at: 0)
        }
        for key in keys where key.sequence <= draft.lanes[key.lane].applied.sequence {
            if try isAccountedForByApplied(history.applicant(key.lane, key.sequence)) {
                try forgetStub(key.lane, key.sequence)
            }
        }
    }
}

extension GroupKind {
    /// Whether groups of this kind say that contents are to be taken out.
    fileprivate var takesOut: Bool { self == .erasure || self == .redaction }
}
