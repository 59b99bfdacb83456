import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

extension Membership.Decision {
    init(_ applicant: Applicant, part: Int) {
        self.init(
            dot: applicant.dot, part: part, time: applicant.change.time,
            context: applicant.context)
    }
}

extension Membership.Admitted {
    /// What a founding or an admission decides, `nil` where it can't be read.
    init?(_ group: Group, _ index: Int, by applicant: Applicant, of casebook: Digest) {
        guard case .payload(let bytes) = group.content else { return nil }
        let admission: Admission
        if group.kind == .founding {
            guard let founding = try? Founding(bytes: bytes) else { return nil }
            admission = Admission(
                node: applicant.change.origin.node, role: .coordinator, name: founding.memberName)
        } else {
            guard let read = try? Admission(bytes: bytes) else { return nil }
            admission = read
        }
        self.init(
            decision: Membership.Decision(applicant, part: index), node: admission.node,
            role: admission.role, name: admission.name,
            isFounding: applicant.isFounding(casebook))
    }
}

extension Membership.CutMade {
    /// What a cut decides, `nil` where it can't be read.
    init?(_ group: Group, _ index: Int, by applicant: Applicant) {
        guard case .payload(let bytes) = group.content, let cut = try? Cut(bytes: bytes) else {
            return nil
        }
        self.init(
            decision: Membership.Decision(applicant, part: index), node: cut.node,
            tips: Clock(sorted: cut.accepted),
            role: applicant.change.groups.compactMap { $0.role(of: cut.node) }.last)
    }
}

extension Group {
    /// The role this gives a node: beside a cut it says that the node stays a member.
    fileprivate func role(of node: NodeID) -> Role? {
        guard kind == .admission, case .payload(let bytes) = content,
            let admission = try? Admission(bytes: bytes), admission.node == node
        else { return nil }
        return admission.role
    }
}
