import ParleyCRDT

/// Those whom a coordinator's ticket speaks for, until their admission has come or the node stops.
///
/// They are no longer welcome than who signed: a stolen key can be that of a coordinator.
struct Guests {
    /// At most, in each casebook.
    private static let limit = 256

    private var sponsors: [Digest: [NodeID: NodeID]] = [:]

    /// - Returns: whether there was room for another one.
    mutating func receive(_ guest: NodeID, by coordinator: NodeID, in casebook: Digest) -> Bool {
        let known = sponsors[casebook] ?? [:]
        guard known[guest] != nil || known.count < Guests.limit else { return false }
        sponsors[casebook, default: [:]][guest] = coordinator
        return true
    }

    /// Who signed for a guest.
    func sponsor(of node: NodeID, in casebook: Digest) -> NodeID? { sponsors[casebook]?[node] }

    /// Keeps only those of whom something holds: a guest, and who signed.
    mutating func keep(in casebook: Digest, where isWelcome: (NodeID, NodeID) -> Bool) {
        sponsors[casebook] = sponsors[casebook]?.filter { isWelcome($0.key, $0.value) }
    }
}
