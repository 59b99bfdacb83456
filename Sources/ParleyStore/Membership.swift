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
    /// Whether the node was cut off: it wrote what it wrote and belongs no longer.
    package let isRevoked: Bool

    package var isCoordinating: Bool { role == .coordinator && !isRevoked }
}

/// Whether what a change does counts.
package enum ChangeStanding: Sendable {
    case counts
    /// It lies beyond a cut, or rests on an admission that does.
    case void
    /// Its author's role didn't permit it.
    case unauthorised
}

/// What the admissions and cuts in the log come to, in any context.
///
/// A change is judged twice. *Authorised* is what the membership its author had applied permits,
/// whatever is known now, so that every node judges alike whatever else it holds. *Void* is what
/// lies beyond a cut, or rests on an admission that does: that depends on the cuts held here, and
/// changes when one arrives. Only a change that is authorised and not void counts.
/// Specification: Protocol/parley-1.md "Membership"
struct Membership: Sendable {
    /// The change and part that made an admission or a cut, with all that its author knew.
    struct Decision: Hashable, Sendable {
        let dot: Dot
        let part: Int
        let time: HybridTime
        let context: Clock

        /// Whether its author knew of `other`, and so meant to replace it.
        func replaces(_ other: Decision, in logs: HeldLogs) throws -> Bool {
            if dot == other.dot { return part > other.part }
            return try context.covers(other.dot, in: logs)
        }

        var key: Key { Key(dot: dot, part: part) }

        static func precedes(_ left: Decision, _ right: Decision) -> Bool {
            (left.time, left.dot, left.part) < (right.time, right.dot, right.part)
        }
    }

    struct Key: Hashable, Sendable {
        let dot: Dot
        let part: Int
    }

    struct Admitted: Hashable, Sendable {
        let decision: Decision
        let node: NodeID
        let role: Role
        let name: String
        /// The casebook's own beginning, which nothing can make void.
        let isFounding: Bool
    }

    struct CutMade: Hashable, Sendable {
        let decision: Decision
        let node: NodeID
        /// Up to where the node's logs count. A log that isn't named ends before its beginning.
        let tips: Clock
        /// The role it goes with, `nil` where it ends the membership.
        let role: Role?

        var isRevocation: Bool { role == nil }

        /// Whether what lies beyond it counts all the same.
        func permits(_ kinds: Set<GroupKind>) -> Bool {
            guard let role else { return false }
            return kinds.allSatisfy { Membership.permits(role, $0) }
        }
    }

    private(set) var admissions: [NodeID: [Admitted]] = [:]
    private(set) var cuts: [NodeID: [CutMade]] = [:]
    /// Admissions that are void by the cuts there are.
    private(set) var voidAdmissions: Set<Key> = []

    mutating func add(_ admission: Admitted) {
        admissions[admission.node, default: []].append(admission)
    }

    mutating func add(_ cut: CutMade) {
        cuts[cut.node, default: []].append(cut)
    }

    // MARK: Authorised

    /// A node's role as far as a context knows the log, `nil` where it is no member.
    ///
    /// Of admissions made without knowledge of each other the one that permits least holds. Who was
    /// revoked once is never a member again.
    func role(of node: NodeID, in context: Clock, _ logs: HeldLogs) throws -> Role? {
        for cut in cuts[node] ?? [] where cut.isRevocation {
            if try context.covers(cut.decision.dot, in: logs) { return nil }
        }
        return try standing(of: node, in: context, logs) { _ in true }
            .map(\.role).max { $0.rawValue < $1.rawValue }
    }

    /// Whether a change's own context permits all that it does. One group that it doesn't permit
    /// takes the effect of the whole change.
    func authorises(
        _ applicant: Applicant, of casebook: Digest, in logs: HeldLogs
    ) throws -> Bool {
        if applicant.isFounding(casebook) { return true }
        let node = applicant.change.origin.node
        guard let role = try role(of: node, in: applicant.context, logs) else { return false }
        return applicant.change.groups.allSatisfy { Membership.permits(role, $0.kind) }
    }

    /// Whether the author of a change is a member as far as it knew, whatever its role.
    func knowsAuthor(
        of applicant: Applicant, of casebook: Digest, in logs: HeldLogs
    ) throws -> Bool {
        try applicant.isFounding(casebook)
            || standing(of: applicant.change.origin.node, in: applicant.context, logs) { _ in
                true
            }.isEmpty == false
    }

    /// Whether a node was never in a role that forbids any of this, nor cut off: a quick look.
    func alwaysPermits(_ node: NodeID, _ kinds: Set<GroupKind>) -> Bool {
        cuts[node] == nil
            && (admissions[node] ?? []).allSatisfy { admission in
                kinds.allSatisfy { Membership.permits(admission.role, $0) }
            }
    }

    /// The logs in which a node was admitted.
    func admittingOrigins(of node: NodeID) -> Set<Origin> {
        Set((admissions[node] ?? []).map(\.decision.dot.origin))
    }

    static func permits(_ role: Role, _ kind: GroupKind) -> Bool {
        switch kind {
        case .founding: false
        case .admission, .cut, .erasure, .redaction: role == .coordinator
        case .receipt: true
        default: role != .reader
        }
    }

    private func standing(
        of node: NodeID, in context: Clock?, _ logs: HeldLogs, where counts: (Admitted) -> Bool
    ) throws -> [Admitted] {
        let known = try (admissions[node] ?? []).filter { admission in
            try counts(admission)
                && (context == nil || context!.covers(admission.decision.dot, in: logs))
        }
        guard known.count > 1 else { return known }
        return try known.filter { one in
            try !known.contains { try $0.decision.replaces(one.decision, in: logs) }
        }
    }

    // MARK: Void

    /// What has its effect beyond a cut too.
    private static let neverVoid: Set<GroupKind> = [.cut, .erasure, .redaction]

    /// Whether what a change does counts, and why not.
    func standing(
        of applicant: Applicant, of casebook: Digest, in logs: HeldLogs
    ) throws -> ChangeStanding {
        guard try authorises(applicant, of: casebook, in: logs) else { return .unauthorised }
        let kinds = Set(applicant.change.groups.map(\.kind))
        guard !kinds.isSubset(of: Membership.neverVoid) else { return .counts }
        return try isVoid(applicant, of: casebook, in: logs) ? .void : .counts
    }

    /// Whether a change lies beyond a cut, or rests on an admission that does.
    func isVoid(_ applicant: Applicant, of casebook: Digest, in logs: HeldLogs) throws -> Bool {
        guard !cuts.isEmpty, !applicant.isFounding(casebook) else { return false }
        let node = applicant.change.origin.node
        let kinds = Set(applicant.change.groups.map(\.kind))
        if try isBeyondCut(applicant.dot, by: node, doing: kinds, knowing: applicant.context, logs)
        {
            return true
        }
        guard !voidAdmissions.isEmpty else { return false }
        let role = try standing(of: node, in: applicant.context, logs, where: isSound)
            .map(\.role).max { $0.rawValue < $1.rawValue }
        guard let role else { return true }
        return !applicant.change.groups.allSatisfy { Membership.permits(role, $0.kind) }
    }

    private func isSound(_ admission: Admitted) -> Bool {
        !voidAdmissions.contains(admission.decision.key)
    }

    /// Of concurrent cuts the lower holds: a change must lie within all of those that no other was
    /// made in knowledge of. A change made in knowledge of a cut isn't beyond it; what it may then
    /// do, its context says. Nor is one that the role permits which the cut goes with.
    private func isBeyondCut(
        _ dot: Dot, by node: NodeID, doing kinds: Set<GroupKind>, knowing context: Clock,
        _ logs: HeldLogs
    ) throws -> Bool {
        for cut in try effectiveCuts(of: node, logs) where !cut.permits(kinds) {
            if try isPermittedSince(cut, kinds, logs) { continue }
            let isWithin = try cut.tips.covers(dot, in: logs)
            if try !isWithin && !context.covers(cut.decision.dot, in: logs) { return true }
        }
        return false
    }

    /// Whether some of a node's work doesn't count because it got another role.
    func hasRoleCut(_ node: NodeID) -> Bool {
        (cuts[node] ?? []).contains { !$0.isRevocation }
    }

    /// Up to where the logs of a revoked node count: of concurrent revocations the lowest.
    func ends(of node: NodeID, in logs: HeldLogs) throws -> [Clock.Entry] {
        let cuts = try effectiveCuts(of: node, logs).filter(\.isRevocation)
        guard let first = cuts.first else { return [] }
        return first.tips.entries.compactMap { entry in
            let tips = cuts.map { $0.tips[entry.origin] }
            guard !tips.contains(where: \.isEmpty) else { return nil }
            let lowest = tips.min { Membership.length(of: $0) < Membership.length(of: $1) }
            return lowest.map { Clock.Entry(origin: entry.origin, tips: $0) }
        }
    }

    private static func length(of tips: [Tip]) -> UInt64 { tips.map(\.sequence).max() ?? 0 }

    /// Whether a role that permits this was given in knowledge of a cut that went with another role.
    private func isPermittedSince(
        _ cut: CutMade, _ kinds: Set<GroupKind>, _ logs: HeldLogs
    ) throws -> Bool {
        guard !cut.isRevocation else { return false }
        return try (cuts[cut.node] ?? []).contains { later in
            try later.permits(kinds) && later.decision.replaces(cut.decision, in: logs)
        }
    }

    /// A revocation replaces those it knows of, so that work can be let in again. A cut that goes with
    /// a role stays: or else what it made void would come back with whatever follows.
    private func effectiveCuts(of node: NodeID, _ logs: HeldLogs) throws -> [CutMade] {
        let all = cuts[node] ?? []
        guard all.count > 1 else { return all }
        let revocations = all.filter(\.isRevocation)
        return try all.filter { one in
            try !one.isRevocation
                || !revocations.contains { try $0.decision.replaces(one.decision, in: logs) }
        }
    }

    /// Works out anew which admissions are void; to be called when an admission or a cut has come.
    ///
    /// An admission rests on those its author had, which were made before it, so looking from each
    /// towards its causes comes to an end.
    mutating func reconsiderAdmissions(in logs: HeldLogs) throws {
        voidAdmissions = []
        guard !cuts.isEmpty else { return }
        var judged: [Key: Bool] = [:]
        for admission in admissions.values.joined() {
            _ = try isVoid(admission, &judged, logs)
        }
        voidAdmissions = Set(judged.filter(\.value).keys)
    }

    private func isVoid(
        _ admission: Admitted, _ judged: inout [Key: Bool], _ logs: HeldLogs
    ) throws -> Bool {
        let decision = admission.decision
        if let known = judged[decision.key] { return known }
        if admission.isFounding {
            judged[decision.key] = false
            return false
        }
        let author = decision.dot.origin.node
        var isVoid = try isBeyondCut(
            decision.dot, by: author, doing: [.admission], knowing: decision.context, logs)
        if !isVoid {
            var sound: [Admitted] = []
            for earlier in admissions[author] ?? []
            where try decision.context.covers(earlier.decision.dot, in: logs) {
                if try !self.isVoid(earlier, &judged, logs) { sound.append(earlier) }
            }
            let standing = try sound.filter { one in
                try !sound.contains { try $0.decision.replaces(one.decision, in: logs) }
            }
            isVoid = standing.isEmpty || standing.contains { $0.role != .coordinator }
        }
        judged[decision.key] = isVoid
        return isVoid
    }

    /// The nodes whose changes may count here and not by `before`, or the other way round: those
    /// that were cut, and those whose admissions have become void or sound.
    func nodesJudgedOtherwise(than before: Membership) -> Set<NodeID> {
        let cut = cuts.filter { $0.value.count != before.cuts[$0.key]?.count }.keys
        let moved = voidAdmissions.symmetricDifference(before.voidAdmissions)
        let admitted = admissions.values.joined().filter { moved.contains($0.decision.key) }
        return Set(cut).union(admitted.map(\.node))
    }

    /// Those who were cut off or given another role, and those whose admissions are void.
    var nodesThatMayBeVoid: Set<NodeID> {
        let void = admissions.values.joined().filter { !isSound($0) }.map(\.node)
        return Set(cuts.keys).union(void)
    }

    // MARK: Members

    /// Everybody who was ever admitted soundly, sorted by name. The one admitted first keeps a name
    /// that several chose.
    func members(in logs: HeldLogs) throws -> [Member] {
        let firsts = admissions.values.compactMap { all in
            all.filter(isSound).min { Decision.precedes($0.decision, $1.decision) }
        }
        var taken: Set<String> = []
        var members: [Member] = []
        for first in firsts.sorted(by: { Decision.precedes($0.decision, $1.decision) }) {
            let standing = try standing(of: first.node, in: nil, logs, where: isSound)
            let newest = standing.max { Decision.precedes($0.decision, $1.decision) }
            let name = Membership.unique(newest?.name ?? first.name, among: taken)
            taken.insert(name)
            members.append(
                Member(
                    node: first.node, name: name,
                    role: standing.map(\.role).max { $0.rawValue < $1.rawValue } ?? .reader,
                    isRevoked: (cuts[first.node] ?? []).contains(where: \.isRevocation)))
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
