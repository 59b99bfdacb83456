import GRDB
package import ParleyCRDT
import ParleyLog
import ParleyModel
package import ParleyWire

/// A node that has been admitted to the casebook.
package struct Member: Hashable, Sendable {
    package let node: NodeID
    /// Unique within the casebook: `-2` and so on are appended where a name is taken.
    package let name: String
    package let role: Role
}

/// What the admissions in the log come to, in any context.
///
/// A change is judged by the membership its author had applied, never by what we know now, so that
/// every node judges alike whatever else it holds.
struct Membership: Sendable {
    struct Admitted: Sendable {
        let dot: Dot
        let part: Int
        let time: HybridTime
        let context: Clock
        let node: NodeID
        let role: Role
        let name: String

        /// Whether its author knew of `other`, and so meant to replace it.
        func replaces(_ other: Admitted) -> Bool {
            if dot == other.dot { return part > other.part }
            return dot.origin == other.dot.origin
                ? dot.sequence > other.dot.sequence
                : context.covers(other.dot, in: LinearAncestry())
        }
    }

    private(set) var admissions: [Admitted] = []

    mutating func add(_ admission: Admitted) {
        admissions.append(admission)
    }

    /// A node's role as far as `covers` knows the log, `nil` where it is no member.
    ///
    /// Of admissions made without knowledge of each other the one that permits least holds.
    func role(of node: NodeID, covers: (Dot) -> Bool) -> Role? {
        standing(of: node, covers: covers).map(\.role).max { $0.rawValue < $1.rawValue }
    }

    /// Whether a change's own context permits all that it does. One group that it doesn't permit
    /// takes the effect of the whole change.
    func authorises(_ applicant: Applicant, of casebook: Digest) -> Bool {
        if applicant.isFounding(casebook) { return true }
        guard let role = role(of: applicant.change.origin.node, covers: applicant.covers) else {
            return false
        }
        return applicant.change.groups.allSatisfy { Membership.permits(role, $0.kind) }
    }

    /// Whether the author of a change is a member as far as it knew, whatever its role.
    func knowsAuthor(of applicant: Applicant, of casebook: Digest) -> Bool {
        applicant.isFounding(casebook)
            || role(of: applicant.change.origin.node, covers: applicant.covers) != nil
    }

    /// The logs in which a node was admitted.
    func admittingOrigins(of node: NodeID) -> Set<Origin> {
        Set(admissions.filter { $0.node == node }.map(\.dot.origin))
    }

    private static func permits(_ role: Role, _ kind: GroupKind) -> Bool {
        switch kind {
        case .founding: false
        case .admission, .cut, .erasure: role == .coordinator
        case .receipt: true
        default: role != .reader
        }
    }

    private func standing(of node: NodeID, covers: (Dot) -> Bool) -> [Admitted] {
        let known = admissions.filter { $0.node == node && covers($0.dot) }
        guard known.count > 1 else { return known }
        return known.filter { one in !known.contains { $0.replaces(one) } }
    }

    /// All members, sorted by name. The one admitted first keeps a name that several chose.
    var members: [Member] {
        var firsts: [NodeID: Admitted] = [:]
        for admission in admissions.sorted(by: {
            ($0.time, $0.dot, $0.part) < ($1.time, $1.dot, $1.part)
        })
        where firsts[admission.node] == nil {
            firsts[admission.node] = admission
        }
        let order = firsts.values.sorted { ($0.time, $0.dot, $0.part) < ($1.time, $1.dot, $1.part) }
        var taken: Set<String> = []
        var members: [Member] = []
        for first in order {
            let standing = standing(of: first.node) { _ in true }
            let name = standing.max { ($0.time, $0.dot) < ($1.time, $1.dot) }?.name ?? first.name
            let unique = Membership.unique(name, among: taken)
            taken.insert(unique)
            let role = role(of: first.node) { _ in true } ?? .reader
            members.append(Member(node: first.node, name: unique, role: role))
        }
        return members.sorted { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }
    }

    private static func unique(_ name: String, among taken: Set<String>) -> String {
        guard taken.contains(name) else { return name }
        var number = 2
        while taken.contains("\(name)-\(number)") { number += 1 }
        return "\(name)-\(number)"
    }
}

extension Membership {
    init(_ db: Database, lanes: LaneTable, hashes: (Int, UInt64) throws -> Digest?) throws {
        let rows = try Query(
            db,
            """
            SELECT lane, sequence, part, time, context, node, role, name FROM admission
            ORDER BY lane, sequence, part
            """
        ).all { row in
            (
                row.int(0), row.word(1), row.int(2), HybridTime(rawValue: row.word(3)),
                try Clock(stored: row.bytes(4)), try NodeID(stored: row.bytes(5)),
                UInt8(truncatingIfNeeded: row.int(6)), row.text(7)
            )
        }
        for (lane, sequence, part, time, context, node, role, name) in rows {
            guard let role = Role(rawValue: role), let hash = try hashes(lane, sequence) else {
                throw StoreError.damaged("an admission")
            }
            let dot = Dot(
                origin: try lanes.origin(of: lane), sequence: sequence, hash: hash.prefix)
            add(
                Admitted(
                    dot: dot, part: part, time: time, context: context, node: node, role: role,
                    name: name))
        }
    }

    static func insert(_ admission: Admitted, lane: Int, _ db: Database) throws {
        let query = try Query(
            db,
            """
            INSERT INTO admission (lane, sequence, part, time, context, node, role, name)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
        query.bind(1, lane)
        query.bind(2, admission.dot.sequence)
        query.bind(3, admission.part)
        query.bind(4, admission.time.rawValue)
        query.bind(5, blob: admission.context.stored)
        query.bind(6, blob: admission.node.bytes)
        query.bind(7, Int(admission.role.rawValue))
        query.bind(8, text: admission.name)
        try query.run()
    }

    func saveMembers(_ db: Database) throws {
        try db.run("DELETE FROM member")
        for member in members {
            let query = try Query(db, "INSERT INTO member (node, role, name) VALUES (?1, ?2, ?3)")
            query.bind(1, blob: member.node.bytes)
            query.bind(2, Int(member.role.rawValue))
            query.bind(3, text: member.name)
            try query.run()
        }
    }
}
