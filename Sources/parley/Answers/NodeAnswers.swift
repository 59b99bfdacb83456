/// `init`.
package struct NodeAnswer: Codable, Sendable {
    let node: String
    let name: String
    let home: String
}

/// `casebook create`, `casebook show`, one of `casebook list`, and `join`.
package struct CasebookAnswer: Decodable, Sendable {
    struct Member: Decodable, Sendable {
        let node: String
        let name: ForeignText
        let role: String
        let revoked: Bool?
    }

    let casebook: String
    let name: ForeignText
    let role: String?
    let members: [Member]?
    /// How many members can decide about members.
    let coordinators: Int?
}

/// `join`: once admitted and the founding change is held.
package struct JoinAnswer: Decodable, Sendable {
    let casebook: String
    let name: ForeignText
    let role: String
}

/// `invite`.
package struct InvitationAnswer: Decodable, Sendable {
    let code: String
    let expires: String
}

/// `uninvite`.
struct WithdrawnAnswer: Decodable, Sendable {
    let withdrawn: Int
}

/// One of `peer list`.
package struct PeerAnswer: Decodable, Sendable {
    let node: String
    let name: ForeignText
    let role: String?
    let revoked: Bool?
    let addresses: [ForeignText]?
    /// Those of them where another node answers.
    let taken: [ForeignText]?
    let connected: Bool?
}

/// One of `peer remove`.
package struct RemovedAddress: Decodable, Sendable {
    let node: String
    let name: ForeignText?
    let address: ForeignText
    /// Whether whose it was is a member still.
    let member: Bool
}

/// One peer's part of `sync`.
package struct SyncAnswer: Decodable, Sendable {
    let peer: ForeignText
    let received: Int
    let sent: Int
    let conflicts: Int
    let bytesIn: Int
    let bytesOut: Int
    let complete: Bool
    /// Whether a connection stood at all.
    let reached: Bool?
    /// Why it isn't complete, where that is known.
    let reason: ForeignText?
    /// Groups that no program here can interpret.
    let uninterpreted: Int?
    let missing: [Missing]?

    /// Changes that are here without effect, and why.
    struct Missing: Decodable, Sendable {
        let changes: Int
        let why: String
    }
}

/// `status`.
package struct StatusAnswer: Decodable, Sendable {
    struct Casebook: Decodable, Sendable {
        let casebook: String
        let name: ForeignText
        let role: String?
        let records: Int
        let conflicts: Int
        let clock: [String: Int]
        let digest: String
        let forks: [Fork]?
        let clocksAhead: [ClockAhead]?
    }

    /// A log that was written twice from one point on.
    struct Fork: Decodable, Sendable {
        let origin: String
        let by: ForeignText?
    }

    /// A member whose changes carry times that can't be right, or ours can't.
    struct ClockAhead: Decodable, Sendable {
        let node: String
        let by: ForeignText?
        let seconds: Int
        let seen: String
    }

    struct Peer: Decodable, Sendable {
        let node: String
        let name: ForeignText?
        let connected: Bool
        let lastSync: String?
        /// Closed connections by reason.
        let refused: [String: Int]?
    }

    let node: String
    let name: ForeignText
    let home: String?
    let daemon: JSONValue?
    let casebooks: [Casebook]
    let peers: [Peer]
    /// Connections closed before anybody was known, by reason.
    let refused: [String: Int]?
    /// Files of casebooks that can't be opened now; `problems` says why.
    let unopened: [ForeignText]?
    /// What is wrong with casebooks, each with what to do about it.
    let problems: [ForeignText]?
}
