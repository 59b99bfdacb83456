package import ParleyCRDT
package import ParleyModel
package import ParleySync
package import ParleyWire

/// What a session driver needs of the node it works for: the stores, seen from the network.
package protocol Replica: Sendable {
    /// The casebooks this peer is a member of by our log, each as it stands now.
    func openings(for peer: NodeID) async -> [Reconciliation.Opening]

    /// What a peer is to get. Of what comes next in several logs, those
    /// with membership still to come go first, then the oldest.
    func batches(
        in casebook: Digest, for peer: NodeID, _ request: ReadRequest, byteLimit: Int
    ) async -> ReadOutcome

    /// What is held without all that belongs to it, to be asked for again.
    func missing(in casebook: Digest) async -> [ChangeRange]

    /// For each branch of a log the places by which peers find what they share.
    func locators(of origin: Origin, in casebook: Digest) async -> [[Tip]]

    /// The newest of these places in a log, given newest first, that is held.
    func newestShared(of origin: Origin, among points: [Tip], in casebook: Digest) async -> Tip?

    /// Checks batches: all that can be done before those sent earlier are stored.
    ///
    /// - Parameter runs: changes that are checked and may not be stored yet.
    func check(
        _ batches: [[UInt8]], after runs: [LogRun], from peer: NodeID, in casebook: Digest
    ) async -> CheckedBatches

    /// What the peer has told of its clock.
    func rememberHeard(_ clock: Clock, from peer: NodeID, in casebook: Digest) async

    /// The peer knows our clock as it stood in `opening`.
    func rememberTold(_ opening: Reconciliation.Opening, to peer: NodeID) async

    /// All that a peer had to offer when both met is stored. Answers at once: it is called on event
    /// loops.
    func heardAll(from peer: NodeID, in casebook: Digest)

    /// Something was exchanged with a peer, or both were found to have the same, now.
    func rememberExchange(with peer: NodeID, in casebook: Digest) async

    func rememberAddresses(_ addresses: [PeerAddress], in casebook: Digest) async

    /// The addresses to pass on to members of a casebook.
    func addresses(in casebook: Digest) async -> [PeerAddress]

    /// Admits a stranger whose join names a secret that is still good, consuming it in the same
    /// transaction; `nil` otherwise.
    func admit(_ join: Join, from peer: NodeID) async -> Ticket?

    /// Whether a ticket speaks for the peer that shows it: signed, for that key, by who coordinates a
    /// casebook here. From then on it is treated as the member it will turn out to be.
    func accepts(_ ticket: Ticket, from peer: NodeID) async -> Bool
}

/// What became of a request to read for a peer.
package enum ReadOutcome: Equatable, Sendable {
    case read(OutgoingRead)
    /// The connection ends for this reason: the peer is no member any more, or this node can't take
    /// in what others send and so may not have heard who is.
    case refused(CloseReason)
    /// Our own trouble of another kind; the peer may try later.
    case unable
}

/// Batches that were checked, with good success or bad.
package struct CheckedBatches: Sendable {
    /// How many of those that were handed over these are, from the first on; the others have to be
    /// handed over again.
    package let count: Int
    /// Their changes, unless something is wrong with them.
    package let runs: [LogRun]
    /// Takes them in, all in one durable transaction or none, or says what is wrong with them. Called
    /// once, after what was checked before them is stored.
    package let store: @Sendable () async -> StoreOutcome

    package init(
        count: Int, runs: [LogRun] = [], store: @escaping @Sendable () async -> StoreOutcome
    ) {
        self.count = count
        self.runs = runs
        self.store = store
    }
}

/// What became of batches that were handed to the store.
package enum StoreOutcome: Equatable, Sendable {
    /// All of it is durable, or was there before. Says where each batch stands, how many conflicts
    /// are open in the records it was about, and how many groups nobody here can interpret.
    case stored(runs: [StoredRun], conflicts: [RecordID: Int], uninterpreted: Int)
    /// Nothing was stored, and the connection ends for this reason: the peer's fault, or a full disk.
    case refused(CloseReason)
    /// Our own trouble of another kind: nothing was stored, and the peer may try later.
    case unable
}
