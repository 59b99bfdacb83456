import GRDB
package import ParleyCRDT
import ParleyLog
package import ParleyModel
import ParleyWire

/// What can be read of a casebook, all of one moment.
///
/// Lives only inside the closure it is handed to, on one database connection. A class because it
/// keeps decoded batches, and because a write scope is one that can do more.
package class ReadScope {
    let db: Database
    let log: LogReader
    private var lanesRead: LaneTable?
    private var typesRead: TypeTable?
    private var casebookRead: CasebookRow?
    private var membershipRead: Membership?
    private var claimsRead: Claims?

    init(_ db: Database, log: LogReader) {
        self.db = db
        self.log = log
    }

    // A write scope answers these from its transaction instead.

    func lanes() throws -> LaneTable {
        if let lanesRead { return lanesRead }
        let lanes = try LaneTable(db)
        lanesRead = lanes
        return lanes
    }

    func types() throws -> TypeTable {
        if let typesRead { return typesRead }
        let types = try TypeTable(db)
        typesRead = types
        return types
    }

    func casebook() throws -> CasebookRow {
        if let casebookRead { return casebookRead }
        guard let row = try CasebookRow.load(db) else { throw StoreError.damaged("no casebook") }
        casebookRead = row
        return row
    }

    func membership() throws -> Membership {
        if let membershipRead { return membershipRead }
        let membership = try Membership(db, lanes: lanes(), casebook: casebook().id) {
            try self.log.hash($0, $1)
        }
        membershipRead = membership
        return membership
    }

    func claims() throws -> Claims {
        if let claimsRead { return claimsRead }
        let claims = try Claims(db, lanes: lanes()) { try self.log.hash($0, $1) }
        claimsRead = claims
        return claims
    }

    /// Whether changes may hold what claims are about.
    func isHiding() throws -> Bool { try claims().isPending }

    func history() throws -> EditHistory {
        try settleLog()
        return EditHistory(
            db: db, logs: try logs(), membership: try membership(), casebook: try casebook().id,
            claims: try claims(), isHiding: try isHiding(),
            find: { try self.log.change($0, $1) },
            contextDeltas: { try self.log.contextDeltas($0, $1) },
            salts: { try self.log.salts($0, $1) })
    }

    /// The logs with their branches.
    func logs() throws -> HeldLogs {
        HeldLogs(lanes: try lanes()) { try self.hash($0, $1) }
    }

    /// Tells which changes are ancestors of others.
    package func ancestry() throws -> some Ancestry { try logs() }

    /// Called before the log is read: what is still on its way into it must be there first.
    func settleLog() throws {}

    func hash(_ lane: Int, _ sequence: UInt64) throws -> Digest? {
        try log.hash(lane, sequence)
    }

    // MARK: The casebook

    /// What a casebook comes to in a few numbers.
    package struct Summary: Hashable, Sendable {
        package let casebook: Digest
        /// Empty until the founding change has arrived, as is the schema.
        package let name: String
        package let schema: String
        package let schemaVersion: UInt64
        /// Listed records by type, deleted ones left out.
        package let records: [(type: FieldName, count: Int)]
        package let conflicts: Int
        package let uninterpreted: Int
        /// Equal on two nodes exactly when their merged casebooks are equal.
        package let digest: Digest
        package let held: Clock
        package let applied: Clock

        package var recordCount: Int { records.reduce(0) { $0 + $1.count } }

        package static func == (left: Summary, right: Summary) -> Bool {
            left.casebook == right.casebook && left.digest == right.digest
                && left.held == right.held && left.applied == right.applied
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(casebook)
            hasher.combine(digest)
        }
    }

    package func summary() throws -> Summary {
        let casebook = try casebook()
        let types = try types()
        let lanes = try lanes()
        return Summary(
            casebook: casebook.id, name: casebook.name, schema: casebook.schema,
            schemaVersion: casebook.schemaVersion,
            records: zip(types.names, types.live).filter { $0.1 > 0 }.map { ($0.0, $0.1) },
            conflicts: try count("conflict"), uninterpreted: try count("uninterpreted"),
            digest: casebook.digest.value, held: lanes.heldClock, applied: lanes.appliedClock)
    }

    /// The digest computed anew from every record, which `summary().digest` must equal.
    package func recomputedDigest() throws -> Digest {
        let (logs, types) = (try logs(), try types())
        var sum = DigestSum()
        try Query(db, "SELECT \(RecordRow.columns) FROM record ORDER BY n").each { row in
            let content = try RecordRow(row).content(logs: logs, types: types)
            sum.add(CanonicalState.term(of: content))
            return true
        }
        return sum.value
    }

    /// The logs that are known to have forked, sorted.
    package func forks() throws -> [Origin] { try lanes().forked }

    /// Changes that are held and can't be applied before their causes are here.
    package func waitingCount() throws -> Int {
        try lanes().lanes.reduce(0) { $0 + $1.waitingCount }
    }

    /// A member whose clock is further ahead of ours than clocks may be wrong by.
    package struct ClockLead: Hashable, Sendable {
        package let node: NodeID
        /// As of its newest change, when that came in.
        package let milliseconds: UInt64
        /// Milliseconds since 1970.
        package let seen: UInt64
    }

    /// Whose changes carry times that can't be right, or ours can't, sorted by node.
    package func clockLeads() throws -> [ClockLead] {
        try lanes().lanes.filter { $0.lead > 0 }
            .map { ClockLead(node: $0.origin.node, milliseconds: $0.lead, seen: $0.leadSeen) }
            .sorted { ($0.node, $0.seen) < ($1.node, $1.seen) }
    }

    private func count(_ table: String) throws -> Int {
        try Query(db, "SELECT count(*) FROM \(table)").first { $0.int(0) } ?? 0
    }

    /// Everybody who is or was a member, sorted by name.
    package func members() throws -> [Member] { try membership().members(in: logs()) }

    /// A member's name in this casebook, `nil` for a node that was never admitted.
    package func memberName(_ node: NodeID) throws -> String? {
        try members().first { $0.node == node }?.name
    }

    // MARK: Records

    /// A record with everything its state consists of.
    package struct StoredRecord: Hashable, Sendable {
        package let id: RecordID
        package let type: FieldName
        /// The change that created it, and which group of it.
        package let created: Dot
        package let createdTime: HybridTime
        package let group: UInt32
        package let state: RecordState
        /// What is shown of it.
        package let document: Document
        /// When the other changes that still show were made.
        package let times: [Dot: HybridTime]
        /// The newest change by hybrid time.
        package let changed: Dot
        package let changedTime: HybridTime
        /// How a change written here now names it.
        package let reference: RecordReference

        package func time(of dot: Dot) -> HybridTime? {
            dot == created ? createdTime : times[dot]
        }

        /// The entry that is shown of a cell.
        package func shown(in cell: Cell) -> Cell.Entry? {
            cell.entries.max {
                (time(of: $0.dot) ?? createdTime, $0) < (time(of: $1.dot) ?? createdTime, $1)
            }
        }
    }

    /// - Returns: `nil` where no such record is applied here.
    package func record(_ id: RecordID) throws -> StoredRecord? {
        try row(id).map(stored)
    }

    /// Records whose ID begins with the given hexadecimal digits, sorted by ID.
    package func records(withPrefix digits: String, limit: Int) throws -> [RecordID] {
        let digits = digits.lowercased()
        guard Hexadecimal.isDigits(digits), digits.count <= 2 * RecordID.byteCount,
            let low = Hexadecimal.bytes(of: digits + ReadScope.filling("0", digits)),
            let high = Hexadecimal.bytes(of: digits + ReadScope.filling("f", digits))
        else { return [] }
        let query = try Query(
            db,
            """
            WITH RECURSIVE generations(g) AS (
                \(ReadScope.generations))
            SELECT DISTINCT record.id FROM generations
            JOIN record ON record.generation = generations.g AND record.id BETWEEN ?2 AND ?3
            ORDER BY record.id LIMIT ?4
            """)
        query.bind(1, try casebook().arrivals / CasebookRow.generationSize)
        query.bind(2, blob: low)
        query.bind(3, blob: high)
        query.bind(4, limit)
        return try query.all { row in
            guard let id = RecordID(bytes: row.bytes(0)) else {
                throw StoreError.damaged("a record ID")
            }
            return id
        }
    }

    private static func filling(_ digit: Character, _ digits: String) -> String {
        String(repeating: digit, count: 2 * RecordID.byteCount - digits.count)
    }

    /// Numbers from 0 to the newest generation; of two notes of it the lower one counts, because one that
    /// is damaged could be without end.
    private static let generations = """
        SELECT 0 UNION ALL SELECT g + 1 FROM generations
        WHERE g < min(?1, (SELECT max(generation) FROM record))
        """

    /// Records that `row` doesn't find because their generation is one that isn't looked in.
    func unreachableCount() throws -> Int {
        let query = try Query(
            db, "SELECT count(*) FROM record WHERE generation NOT BETWEEN 0 AND ?1")
        query.bind(1, try casebook().arrivals / CasebookRow.generationSize)
        return try query.first { $0.int(0) } ?? 0
    }

    func row(_ id: RecordID) throws -> RecordRow? {
        let query = try Query(
            db,
            """
            WITH RECURSIVE generations(g) AS (
                \(ReadScope.generations))
            SELECT \(RecordRow.columns) FROM generations
            JOIN record ON record.generation = generations.g AND record.id = ?2
            ORDER BY n LIMIT 1
            """)
        query.bind(1, try casebook().arrivals / CasebookRow.generationSize)
        query.bind(2, blob: id.bytes)
        return try query.first { try RecordRow($0) }
    }

    func stored(_ row: RecordRow) throws -> StoredRecord {
        let lanes = try lanes()
        let content = try row.content(logs: logs(), types: types())
        guard let changedHash = try hash(row.changed.lane, row.changed.sequence) else {
            throw StoreError.damaged("the log of a record")
        }
        let changed = Dot(
            origin: try lanes.origin(of: row.changed.lane), sequence: row.changed.sequence,
            hash: changedHash.prefix)
        return StoredRecord(
            id: row.id, type: content.type, created: content.creation, createdTime: row.time,
            group: UInt32(row.key.group), state: content.state,
            document: try Document(json: row.document), times: content.times, changed: changed,
            changedTime: row.changedTime,
            reference: RecordReference(
                creation: try reference(to: content.creation), group: UInt32(row.key.group)))
    }

    /// How a change written here now names an applied one.
    package func reference(to dot: Dot) throws -> DotReference {
        guard try lanes().hasForked(dot.origin) else { return DotReference(dot) }
        return try logs().reference(to: dot, in: lanes().appliedClock)
    }
}
