import ParleyTransport

/// Where a peer was looked for in vain, each of its addresses once.
struct DialRound: Sendable {
    private(set) var failures: [(address: String, error: DialError)] = []

    mutating func note(_ error: DialError, at address: String) {
        failures.append((address, error))
    }

    /// For `DialLoop`: of several failures the one that says most. The peer broke a rule, somebody
    /// else answers, nobody does.
    var reason: CloseReason {
        failures.map(\.error.reason).reduce(.connectionLost) {
            $1.weight >= $0.weight ? $1 : $0
        }
    }

    /// Whether there is no more to wait for. Not so where a connection ended because another was
    /// being made, or because the other node was about to stop or had just started.
    var isFinal: Bool {
        !failures.map(\.error.reason).contains { reason in
            switch reason {
            case .superseded, .closedByPeer, .shuttingDown, .finished: true
            default: false
            }
        }
    }

    /// What happened, as the end of a sentence for people.
    var words: String {
        guard !failures.isEmpty else { return "no address of it is known here" }
        return failures.map { "\($0.address): \($0.error.words)" }.joined(separator: "; ")
    }
}

extension DialError {
    /// What happened at an address, for people.
    var words: String {
        switch self {
        case .unreachable(let text): "nobody answers (\(text.lowercased()))"
        case .closed(let reason): reason.words
        }
    }
}

extension CloseReason {
    fileprivate var weight: Int {
        if self == .wrongCertificate { return 1 }
        return isViolation ? 2 : 0
    }
}
