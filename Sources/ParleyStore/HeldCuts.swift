import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// Revocations by coordinators that are held and can't be applied yet, because a cause is missing or
/// something before them was set aside. What they void is decided when they are; but whom they name
/// gets nothing more from the moment on in which they are here.
struct HeldCuts: Sendable {
    private var nodes: [RecordKey: NodeID] = [:]

    /// Notes those in a change that has just been stored, or waits when the casebook is opened.
    mutating func note(_ change: Change, lane: Int, members: [Member]) {
        let author = change.origin.node
        guard change.groups.contains(where: { $0.kind == .cut }),
            members.contains(where: { $0.node == author && $0.isCoordinating })
        else { return }
        let applicant = Applicant(beginning: change, hash: .zero)
        for (index, group) in change.groups.enumerated() where group.kind == .cut {
            guard let cut = Membership.CutMade(group, index, by: applicant), cut.isRevocation else {
                continue
            }
            nodes[RecordKey(lane: lane, sequence: change.sequence, group: index)] = cut.node
        }
    }

    /// Leaves out what has been applied, and what was in logs that are gone.
    mutating func settle(in lanes: LaneTable) {
        guard !nodes.isEmpty else { return }
        nodes = nodes.filter { key, _ in
            let lane = lanes[key.lane]
            return lane.applied.sequence < key.sequence && key.sequence <= lane.held.sequence
        }
    }

    /// Whom they name.
    var suspended: Set<NodeID> { Set(nodes.values) }
}
