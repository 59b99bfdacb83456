package import ParleyCRDT
package import ParleyWire

/// What the driver of a session does next; performed in the order given.
package enum SessionAction: Equatable, Sendable {
    case send(Message)
    /// Read what the peer is to get, and hand it to `supply`.
    case read(casebook: Digest, ReadRequest, byteLimit: Int)
    /// Read where the branches of a log lie, and hand that to `supplyLocators`.
    case readLocators(casebook: Digest, origin: Origin)
    /// Look which of these points is held, the newest first, and tell `found`.
    case findShared(casebook: Digest, origin: Origin, points: [Tip])
    /// Look what is held without all that belongs to it, and hand that to `supplyMissing`.
    case findMissing(casebook: Digest)
    /// Verify and store a batch, then tell `stored` or `refused`.
    case store(casebook: Digest, batch: [UInt8])
    /// Remember across restarts what the peer has told of its clock.
    case rememberHeard(casebook: Digest, Clock)
    /// Remember that the peer knows our clock as of the snapshot this session began with.
    case rememberTold(casebook: Digest)
    /// Keep the addresses a peer passed on.
    case rememberAddresses(casebook: Digest, [PeerAddress])
    /// All that the peer offered of this casebook when both met is stored here.
    case heardAll(casebook: Digest)
    /// Both sides have, of this casebook, what the other offered when they met.
    case caughtUp(casebook: Digest)
    /// The peer has answered the barrier of this number: all it sent before has arrived.
    case passed(barrier: UInt64)
    case close(SessionEnd)
}

/// What is to be read for a peer.
package enum ReadRequest: Equatable, Sendable {
    /// What comes next, of whichever of these logs is to go first, for a peer that has this of them.
    case next(of: [PeerLog])
    /// Runs that hold some of these changes, which the peer asks for again.
    case again(ChangeRange, of: PeerLog)
}

/// Why a session ended.
package enum SessionEnd: Equatable, Sendable {
    /// The peer said so, with its code.
    case byPeer(Close.Code)
    /// Nothing was heard for 90 seconds.
    case silence
    /// A message came that the protocol forbids at that point.
    case violation(String)
    /// Something in a message couldn't be read.
    case malformed(String)
    /// No version or required feature in common; the code says which.
    case incompatible(Close.Code, String)
    /// This side is stopping, or the connection is not needed any more.
    case local

    /// Whether the peer broke a rule, so that dialling again soon is pointless.
    package var isViolation: Bool {
        switch self {
        case .violation, .malformed, .incompatible: true
        case .byPeer, .silence, .local: false
        }
    }
}

/// One stored batch on its way to a peer.
package struct OutgoingBatch: Equatable, Sendable {
    package let bytes: [UInt8]
    package let origin: Origin
    package let first: UInt64
    /// Its last change, by which the peer will acknowledge it.
    package let tip: Tip
    /// Whether its log has several branches. If so it follows `previous`, or is the beginning;
    /// else what was sent before.
    package let hasBranches: Bool
    package let previous: Tip?

    package var last: UInt64 { tip.sequence }

    package init(
        bytes: [UInt8], origin: Origin, first: UInt64, tip: Tip, hasBranches: Bool = false,
        previous: Tip? = nil
    ) {
        self.bytes = bytes
        self.origin = origin
        self.first = first
        self.tip = tip
        self.hasBranches = hasBranches
        self.previous = previous
    }
}

/// Where a batch that was taken in stands in its log.
package struct StoredRun: Equatable, Sendable {
    /// What it follows, `nil` at the beginning of the log.
    package let previous: Tip?
    package let end: Tip

    package init(previous: Tip?, end: Tip) {
        self.previous = previous
        self.end = end
    }
}

/// What a store has to offer at one moment.
package struct OutgoingRead: Equatable, Sendable {
    /// Consecutive, of one branch of one log. Empty where nothing can be offered.
    package let batches: [OutgoingBatch]
    /// Origins of which nothing can be offered before something moves: the peer has all of it, or
    /// a run is applied in part and nobody else can sign its middle.
    package let withheld: [Origin]
    /// Origins whose branches here and there part at a place that has to be looked for first.
    package let parted: [Origin]

    package init(batches: [OutgoingBatch], withheld: [Origin] = [], parted: [Origin] = []) {
        self.batches = batches
        self.withheld = withheld
        self.parted = parted
    }
}

/// What one session has done for one casebook so far.
package struct SessionTally: Equatable, Sendable {
    /// Changes.
    package var received: UInt64 = 0
    package var sent: UInt64 = 0
    /// Bytes of their batches' columns before compression.
    package var columnsReceived: UInt64 = 0
    package var columnsSent: UInt64 = 0

    package init() {}
}
