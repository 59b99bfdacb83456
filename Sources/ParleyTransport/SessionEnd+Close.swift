import ParleySync
import ParleyWire

extension SessionEnd {
    /// What the peer is told, `nil` where it said so itself.
    var close: Close? {
        switch self {
        case .byPeer: nil
        case .silence: Close(.silence)
        case .violation(let text): Close(.unexpected, text: text)
        case .malformed(let text): Close(.malformed, text: text)
        case .incompatible(let code, let text): Close(code, text: text)
        case .local: Close(.goingAway)
        }
    }
}

extension CloseReason {
    init(_ end: SessionEnd) {
        self =
            switch end {
            case .byPeer(.goingAway), .byPeer(.duplicate): .closedByPeer
            case .byPeer(.overloaded): .peerOverloaded
            case .byPeer(.revoked): .revokedByPeer
            case .byPeer: .refusedByPeer
            case .silence: .silence
            case .violation: .protocolViolation
            case .malformed: .corrupt
            case .incompatible: .incompatible
            case .local: .shuttingDown
            }
    }
}

extension CloseReason {
    /// What the peer is told when the store refused what it sent for this reason.
    var close: Close {
        switch self {
        case .corrupt: Close(.malformed)
        case .badSignature: Close(.unverified)
        case .diskFull: Close(.overloaded, text: "too little free disk space")
        default: Close(.unexpected)
        }
    }
}
