import ParleyCRDT
import ParleyLog
import ParleyModel

/// Turns the references of a change into full dots, within what its author had seen.
struct ReferenceResolver {
    let lanes: LaneTable
    /// The hash of a held change by lane and sequence.
    let hash: (Int, UInt64) throws -> Digest?

    init(lanes: LaneTable, hash: @escaping (Int, UInt64) throws -> Digest?) {
        self.lanes = lanes
        self.hash = hash
    }

    /// The writes a group means, `nil` where this version can't interpret it.
    ///
    /// What the author can't have known is dropped by nobody, even where it happens to be here:
    /// effects must not depend on the order of delivery.
    func writes(of group: Group, by applicant: Applicant) throws -> [CellWrite]? {
        var failure: (any Error)?
        let writes = group.writes { reference in
            do {
                return try dot(of: reference, for: applicant).map { [$0] } ?? []
            } catch {
                failure = error
                return []
            }
        }
        if let failure { throw failure }
        return writes
    }

    private func dot(of reference: DotReference, for applicant: Applicant) throws -> Dot? {
        guard applicant.covers(reference), let lane = lanes[reference.origin],
            let hash = try hash(lane.number, reference.sequence)
        else { return nil }
        let dot = Dot(
            origin: reference.origin, sequence: reference.sequence, hash: hash.prefix)
        return reference.names(dot) ? dot : nil
    }
}
