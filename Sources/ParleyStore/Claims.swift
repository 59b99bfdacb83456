import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// An applied erasure of a record, or redaction of one of its fields. Claims are kept for ever:
/// whatever of a person arrives later, from wherever, is held to them.
struct Claim: Sendable {
    enum State: Int, Sendable {
        /// Hidden. The contents stay until a person confirms.
        case unconfirmed = 1
        /// Hidden. The contents are about to be taken out of the file.
        case due = 2
        /// Taken out of the tables; the write-ahead log may still hold them.
        case rewritten = 3
        /// Nothing is left of them, and this node has said so.
        case done = 4

        var isPending: Bool { self == .unconfirmed || self == .due }
    }

    /// The change that made it, and which group of it.
    let source: RecordKey
    let dot: Dot
    let record: RecordKey
    let id: RecordID
    /// `nil` for the whole record.
    let field: FieldName?
    let time: HybridTime
    /// When it was applied here, in milliseconds since 1970.
    let seen: UInt64
    var state: State
    let basis: String
}

/// All of them, and what they are about.
struct Claims: Sendable {
    private(set) var all: [RecordKey: Claim] = [:]
    /// Sources of the claims about each record.
    private var sources: [RecordKey: [RecordKey]] = [:]
    /// The changes that created what they are about, groups left out: a quick look tells that most
    /// changes have nothing to do with any of them.
    private var creations: Set<RecordKey> = []
    /// Claims whose contents are still there.
    private var pendingCount = 0

    init() {}

    var isEmpty: Bool { all.isEmpty }

    /// Whether contents are still there that claims are about.
    var isPending: Bool { pendingCount > 0 }

    mutating func set(_ claim: Claim) {
        let earlier = all.updateValue(claim, forKey: claim.source)
        if earlier == nil {
            sources[claim.record, default: []].append(claim.source)
            creations.insert(RecordKey(lane: claim.record.lane, sequence: claim.record.sequence))
        }
        if earlier?.state.isPending == true { pendingCount -= 1 }
        if claim.state.isPending { pendingCount += 1 }
    }

    #if DEBUG
        mutating func forget(where isOld: (Claim) -> Bool) {
            all = all.filter { !isOld($0.value) }
        }
    #endif

    /// The claims about a record.
    func about(_ record: RecordKey) -> [Claim] {
        (sources[record] ?? []).compactMap { all[$0] }
    }

    func isErased(_ record: RecordKey) -> Bool {
        !all.isEmpty && about(record).contains { $0.field == nil }
    }

    func claims(in state: Claim.State) -> [Claim] {
        all.values.filter { $0.state == state }.sorted { $0.source < $1.source }
    }

    /// Whether a change may have to do with any of them; a quick look.
    ///
    /// - Parameter lane: that owns it.
    func concern(_ change: Change, lane: Int, in lanes: LaneTable) -> Bool {
        guard !isEmpty else { return false }
        return change.groups.contains { group in
            switch group.subject {
            case .casebook: return false
            case .created:
                return creations.contains(RecordKey(lane: lane, sequence: change.sequence))
            case .existing(let reference):
                return lanes.branches(of: reference.creation.origin).contains {
                    creations.contains(
                        RecordKey(lane: $0.number, sequence: reference.creation.sequence))
                }
            }
        }
    }

    // MARK: What is taken out

    /// What the claims take out of a change, as far as it can be told what that is about and what
    /// its author knew: where a branch isn't held that its context names, that has to wait.
    ///
    /// - Parameter isMeant: which claims.
    func removal(
        from applicant: Applicant, in logs: HeldLogs, where isMeant: (Claim) -> Bool = { _ in true }
    ) throws -> Removal {
        var removal = Removal()
        for (index, group) in applicant.change.groups.enumerated() where group.kind == .record {
            guard try knows(group.subject, as: applicant, logs),
                let record = try logs.recordKey(of: group, index: index, by: applicant)
            else { continue }
            for claim in about(record) where isMeant(claim) {
                guard let field = claim.field else {
                    if !group.isStub { removal.groups.insert(index) }
                    continue
                }
                // Who knew of it may say something else there.
                guard try knows(claim.dot.origin, as: applicant, logs),
                    try !applicant.context.covers(claim.dot, in: logs)
                else { continue }
                for slot in group.slots(of: field) {
                    removal.values.insert(Removal.Place(group: index, slot: slot))
                }
            }
        }
        guard !removal.isEmpty || applicant.change.isMissingSomething else { return removal }
        // Why a change was made may say what it said.
        for (index, group) in applicant.change.groups.enumerated()
        where group.kind == .reason && !group.isStub {
            removal.groups.insert(index)
        }
        return removal
    }

    /// Whether it can be told which record a group is about.
    private func knows(
        _ subject: Group.Subject, as applicant: Applicant, _ logs: HeldLogs
    ) throws -> Bool {
        guard case .existing(let reference) = subject else { return true }
        return try knows(reference.creation.origin, as: applicant, logs)
    }

    /// Whether it can be told what of a log an author had applied: numbers mean nothing as long as a
    /// branch may be another one than is held. Its own log an author knows up to what it writes,
    /// which may be on its way here.
    private func knows(
        _ origin: Origin, as applicant: Applicant, _ logs: HeldLogs
    ) throws -> Bool {
        if origin == applicant.change.origin, !logs.lanes.hasForked(origin) { return true }
        return try logs.hold(applicant.context[origin], of: origin)
    }
}

extension Change {
    /// Whether a group or a value of it was taken out.
    var isMissingSomething: Bool {
        groups.contains { group in
            if group.isStub { return group.kind == .record }
            return group.hasErasedValues
        }
    }

    /// Whether a claim must account for something that it lacks.
    var needsClaim: Bool { groups.contains { $0.isStub || $0.hasErasedValues } }
}

extension Group {
    var hasErasedValues: Bool {
        guard case .operations(_, let operations) = content else { return false }
        return operations.contains { operation in
            operation.isSensitive && operation.values.contains(where: \.isErased)
        }
    }

    /// The fields of which values were taken out.
    var erasedFields: Set<FieldName> {
        guard case .operations(_, let operations) = content else { return [] }
        return Set(
            operations.filter { $0.values.contains(where: \.isErased) }.compactMap(\.field))
    }

    /// The slots of a field's texts that can be taken out one by one.
    fileprivate func slots(of field: FieldName) -> [Int] {
        guard case .operations(_, let operations) = content else { return [] }
        var slots: [Int] = []
        var slot = 0
        for operation in operations {
            for value in operation.values {
                slot += 1
                guard operation.field == field, operation.isSensitive, case .text = value else {
                    continue
                }
                slots.append(slot)
            }
        }
        return slots
    }
}

// MARK: Storage

extension Claims {
    init(_ db: Database, lanes: LaneTable, hashes: (Int, UInt64) throws -> Digest?) throws {
        let rows = try Query(
            db,
            """
            SELECT lane, sequence, part, n, id, field, time, seen, state, basis FROM claim
            ORDER BY lane, sequence, part
            """
        ).all { try Row($0) }
        for row in rows {
            guard let hash = try hashes(row.source.lane, row.source.sequence) else {
                throw StoreError.damaged("an erasure")
            }
            set(
                Claim(
                    source: row.source,
                    dot: Dot(
                        origin: try lanes.origin(of: row.source.lane),
                        sequence: row.source.sequence, hash: hash.prefix),
                    record: row.record, id: row.id, field: row.field, time: row.time,
                    seen: row.seen, state: row.state, basis: row.basis))
        }
    }

    private struct Row {
        let source: RecordKey
        let record: RecordKey
        let id: RecordID
        let field: FieldName?
        let time: HybridTime
        let seen: UInt64
        let state: Claim.State
        let basis: String

        init(_ row: Query) throws {
            guard let id = RecordID(bytes: row.bytes(4)),
                let state = Claim.State(rawValue: row.int(8))
            else { throw StoreError.damaged("an erasure") }
            source = try RecordKey(row, at: 0, hasGroup: true)
            record = RecordKey(packed: row.int64(3))
            self.id = id
            field = FieldName(bytes: row.bytes(5))
            time = HybridTime(rawValue: row.word(6))
            seen = row.word(7)
            self.state = state
            basis = row.text(9)
        }
    }
}

extension Claim {
    func save(_ db: Database) throws {
        let query = try Query(
            db,
            """
            INSERT INTO claim (lane, sequence, part, n, id, field, time, seen, state, basis)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            ON CONFLICT DO UPDATE SET state = ?9
            """)
        query.bind(1, source.lane)
        query.bind(2, source.sequence)
        query.bind(3, source.group)
        query.bind(4, record.packed)
        query.bind(5, blob: id.bytes)
        query.bind(6, text: field?.text ?? "")
        query.bind(7, time.rawValue)
        query.bind(8, seen)
        query.bind(9, state.rawValue)
        query.bind(10, text: basis)
        try query.run()
    }
}
