import ParleyCRDT

/// Notices where one key is used by two running nodes at once: a run that had made room for another
/// one comes back, which no restart does.
struct RunWatch {
    /// Runs remembered of each peer.
    private static let limit = 8

    /// Numbers that peers drew for their runs, the newest last.
    private var runs: [NodeID: [UInt64]] = [:]
    /// Peers of whom two were running at once, since this node started.
    private(set) var twins: Set<NodeID> = []

    /// - Returns: whether it shows now, for the first time, that a peer runs twice.
    mutating func note(_ run: UInt64, of peer: NodeID) -> Bool {
        let known = runs[peer] ?? []
        guard known.last != run else { return false }
        runs[peer] = (known.filter { $0 != run } + [run]).suffix(RunWatch.limit)
        return known.contains(run) && twins.insert(peer).inserted
    }
}
