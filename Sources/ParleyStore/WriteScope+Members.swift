package import ParleyCRDT
import ParleyLog
import ParleyModel
package import ParleyWire

/// Decisions about who belongs, by coordinators.
extension WriteScope {
    @discardableResult
    package func admit(_ admission: Admission) throws -> Appended {
        try append([.admitting(admission)])
    }

    /// Ends a node's membership, for good.
    ///
    /// - Parameter tips: up to where its logs count: entries of its logs, sorted. A log that isn't
    ///   named doesn't count at all. `nil` for all that is applied here.
    @discardableResult
    package func revoke(_ node: NodeID, keeping tips: [Clock.Entry]? = nil) throws -> Appended {
        try append([.cutting(Cut(node: node, accepted: tips ?? acceptedTips(of: node)))])
    }

    /// Gives a member another role. Where that permits less, what it did elsewhere without knowing
    /// of it doesn't count as far as the new role forbids it; where more, what has come of that since
    /// is let in.
    @discardableResult
    package func setRole(of member: Member, to role: Role) throws -> Appended {
        let admission = Group.admitting(
            Admission(node: member.node, role: role, name: member.name))
        // Roles are numbered from the one that permits most.
        let isLess = role.rawValue > member.role.rawValue
        guard try isLess || membership().hasRoleCut(member.node) else {
            return try append([admission])
        }
        let cut = Cut(node: member.node, accepted: try acceptedTips(of: member.node))
        return try append([.cutting(cut), admission])
    }
}

extension ReadScope {
    /// The ends of a node's logs as far as they are applied here.
    package func acceptedTips(of node: NodeID) throws -> [Clock.Entry] {
        try lanes().appliedClock.entries.filter { $0.origin.node == node }
    }

    /// Up to where the logs of a revoked node count, `nil` for one that isn't revoked.
    package func endsOfRevoked(_ node: NodeID) throws -> [Clock.Entry]? {
        guard try members().contains(where: { $0.node == node && $0.isRevoked }) else { return nil }
        return try membership().ends(of: node, in: logs())
    }
}

extension Group {
    fileprivate static func admitting(_ admission: Admission) -> Group {
        Group(kind: .admission, subject: .casebook, content: .payload(admission.encoded))
    }

    fileprivate static func cutting(_ cut: Cut) -> Group {
        Group(kind: .cut, subject: .casebook, content: .payload(cut.encoded))
    }
}
