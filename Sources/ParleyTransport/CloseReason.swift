/// How a connection ended.
package struct SessionOutcome: Hashable, Sendable {
    package let reason: CloseReason
    /// Whether both sides had at some moment all that the other had to offer: dialling again was
    /// worth it, whatever came then.
    package let hasSettled: Bool

    package init(reason: CloseReason, hasSettled: Bool) {
        self.reason = reason
        self.hasSettled = hasSettled
    }
}

/// Why a connection ended; the text is the key under which `parley status` counts refusals.
package enum CloseReason: String, CaseIterable, Sendable {
    /// Both sides have what they wanted.
    case finished
    /// Another connection between the same two runs stays.
    case superseded
    /// This node stops.
    case shuttingDown
    /// The peer closed it in good order.
    case closedByPeer
    /// The network or the other process went away in the middle.
    case connectionLost
    /// The peer, or the network, ended it before the peer had said anything: so it is with whom it
    /// has shut out, and a stranger learns no more.
    case turnedAway
    /// The peer's TLS refused us, for instance because it expects another key.
    case refusedByPeer

    /// A key no log here knows, and no invitation or ticket that admits it.
    case unknownPeer
    /// A key other than the expected one, or a certificate whose key isn't Ed25519.
    case wrongCertificate
    /// A client that shows no certificate.
    case noCertificate
    /// Bytes that are no TLS at all.
    case notTLS
    /// TLS older than 1.3.
    case oldTLS
    /// Any other way in which a TLS handshake goes wrong.
    case handshakeFailed
    /// TLS and the first frame took longer than they may.
    case timeout
    /// Nothing was heard for too long.
    case silence
    /// The peer sends but takes nothing of what is sent to it.
    case notReading
    /// One of the caps on connections is reached.
    case tooManyConnections
    /// A frame above its limit.
    case tooLarge
    /// Bytes that break the format.
    case corrupt
    /// A hash or signature that doesn't hold.
    case badSignature
    /// A message that the protocol forbids at that point.
    case protocolViolation
    /// No version or required feature in common.
    case incompatible
    /// The member was revoked.
    case revoked
    /// This node was revoked, by what the peer holds.
    case revokedByPeer
    /// This node's disk has no room for what the peer sends.
    case diskFull
    /// The peer can't take any more for now: its disk has no room, or it has too much to do.
    case peerOverloaded

    /// Whether `RefusalCounters` counts it: everything that isn't the ordinary life of a connection.
    package var isRefusal: Bool {
        switch self {
        case .finished, .superseded, .shuttingDown, .closedByPeer, .connectionLost, .turnedAway:
            false
        case .refusedByPeer, .unknownPeer, .wrongCertificate, .noCertificate, .notTLS, .oldTLS,
            .handshakeFailed, .timeout, .silence, .notReading, .tooManyConnections, .tooLarge,
            .corrupt, .badSignature, .protocolViolation, .incompatible, .revoked, .revokedByPeer,
            .diskFull, .peerOverloaded:
            true
        }
    }

    /// Whether trying again at once would most likely end the same way.
    package var isLasting: Bool {
        isViolation || self == .diskFull || self == .peerOverloaded
    }

    /// Whether dialling the same peer again soon is pointless, because one side broke a rule the
    /// other will hold against it the next time too.
    package var isViolation: Bool {
        switch self {
        case .finished, .superseded, .shuttingDown, .closedByPeer, .connectionLost, .turnedAway,
            .timeout, .silence, .notReading, .tooManyConnections, .handshakeFailed, .diskFull,
            .peerOverloaded:
            false
        case .refusedByPeer, .unknownPeer, .wrongCertificate, .noCertificate, .notTLS, .oldTLS,
            .tooLarge, .corrupt, .badSignature, .protocolViolation, .incompatible, .revoked,
            .revokedByPeer:
            true
        }
    }
}

extension CloseReason {
    /// What happened, as the end of a sentence for people: "not reached: ...".
    package var words: String {
        switch self {
        case .finished: "the connection ended"
        case .superseded: "another connection took over"
        case .shuttingDown, .closedByPeer: "the other node ended the connection"
        case .connectionLost: "nobody answered, or the network broke"
        case .turnedAway:
            "it hung up without a word: the network broke, or it doesn't know this node or has shut it out, which it tells nobody; ask its person"
        case .refusedByPeer: "the other node refused this one"
        case .unknownPeer: "it isn't a member by what is held here"
        case .wrongCertificate: "another node answers at its address"
        case .noCertificate, .notTLS, .oldTLS, .handshakeFailed:
            "what answers at its address doesn't speak the protocol"
        case .timeout, .silence: "it didn't answer in time"
        case .notReading: "it takes nothing of what is sent to it"
        case .tooManyConnections: "there are too many connections"
        case .tooLarge, .corrupt, .protocolViolation: "it broke the protocol"
        case .badSignature: "it sent what isn't signed by its author"
        case .incompatible: "its version doesn't fit this one"
        case .revoked: "it was revoked"
        case .revokedByPeer: "it says that this node was revoked"
        case .diskFull: "there is too little free disk space here to receive anything"
        case .peerOverloaded:
            "it can't take any more now: its disk is full, or it has too much to do"
        }
    }
}
