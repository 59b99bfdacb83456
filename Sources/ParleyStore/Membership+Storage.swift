import GRDB
import ParleyCRDT
import ParleyLog
import ParleyWire

/// Admissions and cuts as they are stored.
extension Membership {
    /// - Parameter hashes: finds the hash of a change by the lane that owns it.
    init(
        _ db: Database, lanes: LaneTable, casebook: Digest,
        hashes: @escaping (Int, UInt64) throws -> Digest?
    ) throws {
        let logs = HeldLogs(lanes: lanes, find: hashes)
        // Rows are read before hashes are looked up: that runs queries of its own.
        for row in try StoredDecision.all(db, from: "admission", extra: "role, name") {
            guard let role = Role(rawValue: UInt8(truncatingIfNeeded: row.number)) else {
                throw StoreError.damaged("an admission")
            }
            let (decision, isFounding) = try row.decision(lanes, casebook, hashes)
            add(
                Admitted(
                    decision: decision, node: row.node, role: role,
                    name: String(decoding: row.bytes, as: UTF8.self), isFounding: isFounding))
        }
        for row in try StoredDecision.all(db, from: "cut", extra: "is_revocation, tips") {
            let decision = try row.decision(lanes, casebook, hashes).decision
            let beside = (admissions[row.node] ?? []).filter { $0.decision.dot == decision.dot }
            let role = beside.max { $0.decision.part < $1.decision.part }?.role
            guard (role == nil) == (row.number != 0) else { throw StoreError.damaged("a cut") }
            add(
                CutMade(
                    decision: decision, node: row.node, tips: try Clock(stored: row.bytes),
                    role: role))
        }
        try reconsiderAdmissions(in: logs)
    }

    static func insert(_ admission: Admitted, lane: Int, _ db: Database) throws {
        let query = try Query(
            db,
            """
            INSERT INTO admission (lane, sequence, part, time, context, node, role, name)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
        bind(query, admission.decision, lane, admission.node)
        query.bind(7, Int(admission.role.rawValue))
        query.bind(8, text: admission.name)
        try query.run()
    }

    static func insert(_ cut: CutMade, lane: Int, _ db: Database) throws {
        let query = try Query(
            db,
            """
            INSERT INTO cut (lane, sequence, part, time, context, node, is_revocation, tips)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
        bind(query, cut.decision, lane, cut.node)
        query.bind(7, cut.isRevocation ? 1 : 0)
        query.bind(8, blob: cut.tips.stored)
        try query.run()
    }

    private static func bind(_ query: Query, _ decision: Decision, _ lane: Int, _ node: NodeID) {
        query.bind(1, lane)
        query.bind(2, decision.dot.sequence)
        query.bind(3, decision.part)
        query.bind(4, decision.time.rawValue)
        query.bind(5, blob: decision.context.stored)
        query.bind(6, blob: node.bytes)
    }

    /// Writes what the admissions and cuts come to, for whoever reads the file with other programs.
    static func save(_ members: [Member], _ db: Database) throws {
        try db.run("DELETE FROM member")
        for member in members {
            let query = try Query(
                db, "INSERT INTO member (node, role, name, is_revoked) VALUES (?1, ?2, ?3, ?4)")
            query.bind(1, blob: member.node.bytes)
            query.bind(2, Int(member.role.rawValue))
            query.bind(3, text: member.name)
            query.bind(4, member.isRevoked ? 1 : 0)
            try query.run()
        }
    }
}

/// A row of the admission or cut table.
private struct StoredDecision {
    let lane: Int
    let sequence: UInt64
    let part: Int
    let time: HybridTime
    let context: Clock
    let node: NodeID
    let number: Int
    let bytes: [UInt8]

    static func all(_ db: Database, from table: String, extra: String) throws -> [StoredDecision] {
        try Query(
            db,
            """
            SELECT lane, sequence, part, time, context, node, \(extra) FROM \(table)
            ORDER BY lane, sequence, part
            """
        ).all { row in
            StoredDecision(
                lane: row.int(0), sequence: row.word(1), part: row.int(2),
                time: HybridTime(rawValue: row.word(3)), context: try Clock(stored: row.bytes(4)),
                node: try NodeID(stored: row.bytes(5)), number: row.int(6), bytes: row.bytes(7))
        }
    }

    func decision(
        _ lanes: LaneTable, _ casebook: Digest, _ hashes: (Int, UInt64) throws -> Digest?
    ) throws -> (decision: Membership.Decision, isFounding: Bool) {
        guard let hash = try hashes(lane, sequence) else {
            throw StoreError.damaged("a membership")
        }
        let dot = Dot(origin: try lanes.origin(of: lane), sequence: sequence, hash: hash.prefix)
        return (
            Membership.Decision(dot: dot, part: part, time: time, context: context),
            sequence == 1 && hash == casebook
        )
    }
}
