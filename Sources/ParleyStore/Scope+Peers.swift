package import ParleyCRDT
import ParleyLog
package import ParleyWire

/// What is known of another node, kept on this machine only.
package struct Neighbour: Hashable, Sendable {
    package let node: NodeID
    /// The name this node's people gave it.
    package let petname: String?
    /// When a session with it last ended in order, in milliseconds since 1970.
    package let lastSync: UInt64?
    /// What it last said it holds.
    package let heard: Clock
    /// What of our held clock it was last told.
    package let told: Clock
}

extension ReadScope {
    private static let neighbourColumns = "node, petname, last_sync, heard, told"

    /// `nil` for a node nothing was noted about.
    package func neighbour(_ node: NodeID) throws -> Neighbour? {
        let query = try Query(
            db, "SELECT \(ReadScope.neighbourColumns) FROM peer WHERE node = ?1")
        query.bind(1, blob: node.bytes)
        return try query.first { try Neighbour($0) }
    }

    /// Every node something was noted about, sorted.
    package func neighbours() throws -> [Neighbour] {
        try Query(db, "SELECT \(ReadScope.neighbourColumns) FROM peer ORDER BY node").all {
            try Neighbour($0)
        }
    }

    /// Where members were reached, newest first.
    package func addresses() throws -> [PeerAddress] {
        try Query(db, "SELECT node, seen, address FROM address ORDER BY seen DESC, node, address")
            .all { row in
                PeerAddress(
                    node: try NodeID(stored: row.bytes(0)), seenMilliseconds: row.word(1),
                    address: row.text(2))
            }
    }

    /// Where one node was reached, newest first.
    package func addresses(of node: NodeID) throws -> [String] {
        try addresses().filter { $0.node == node }.map(\.address)
    }

    /// What to show members who haven't heard of this node's admission.
    package func ticket() throws -> Ticket? {
        let bytes = try Query(db, "SELECT ticket FROM casebook").first { row in
            row.isNull(0) ? nil : row.bytes(0)
        }
        return bytes.flatMap(\.self).flatMap { try? Ticket(bytes: $0) }
    }

    /// Invitations that can still be used: role and expiry in milliseconds since 1970.
    package func openInvitations() throws -> [(role: Role, expires: UInt64)] {
        try Query(db, "SELECT role, expires FROM invitation WHERE used_by IS NULL ORDER BY expires")
            .all { row in (try Role(stored: row.int(0)), row.word(1)) }
    }
}

extension WriteScope {
    /// Addresses kept per node.
    package static let addressLimit = 8

    /// Notes where a node was reached or said it can be; an older sighting changes nothing.
    package func noteAddress(
        _ address: String, of node: NodeID, seenMilliseconds: UInt64
    ) throws {
        let query = try Query(
            db,
            """
            INSERT INTO address (node, address, seen) VALUES (?1, ?2, ?3)
            ON CONFLICT (node, address) DO UPDATE SET seen = max(seen, ?3)
            """)
        query.bind(1, blob: node.bytes)
        query.bind(2, text: address)
        // A peer's clock must not make an address the newest for ever.
        query.bind(3, min(seenMilliseconds, wallMilliseconds))
        try query.run()
        let prune = try Query(
            db,
            """
            DELETE FROM address WHERE node = ?1 AND address NOT IN (
                SELECT address FROM address WHERE node = ?1 ORDER BY seen DESC LIMIT ?2)
            """)
        prune.bind(1, blob: node.bytes)
        prune.bind(2, WriteScope.addressLimit)
        try prune.run()
    }

    package func setTicket(_ ticket: Ticket) throws {
        let query = try Query(db, "UPDATE casebook SET ticket = ?1")
        query.bind(1, blob: ticket.encoded)
        try query.run()
    }

    /// Gives a node a name of one's own, or takes it away with `nil`.
    package func setPetname(_ petname: String?, of node: NodeID) throws {
        try noteNeighbour(node)
        let query = try Query(db, "UPDATE peer SET petname = ?2 WHERE node = ?1")
        query.bind(1, blob: node.bytes)
        if let petname { query.bind(2, text: petname) } else { query.bindNull(2) }
        try query.run()
    }

    /// Adds to what a peer says it holds, or replaces it with `whole`.
    package func noteHeard(_ entries: [Clock.Entry], whole: Bool, from node: NodeID) throws {
        var heard = whole ? Clock() : try neighbour(node)?.heard ?? Clock()
        for entry in entries { heard.set(entry) }
        try setClock("heard", heard, of: node)
    }

    /// Remembers what a peer was told of our held clock.
    package func noteTold(_ clock: Clock, to node: NodeID) throws {
        try setClock("told", clock, of: node)
    }

    /// Notes that a session with a node ended in order, now.
    package func noteSync(with node: NodeID) throws {
        try noteNeighbour(node)
        let query = try Query(db, "UPDATE peer SET last_sync = ?2 WHERE node = ?1")
        query.bind(1, blob: node.bytes)
        query.bind(2, wallMilliseconds)
        try query.run()
    }

    private func setClock(_ column: String, _ clock: Clock, of node: NodeID) throws {
        try noteNeighbour(node)
        let query = try Query(db, "UPDATE peer SET \(column) = ?2 WHERE node = ?1")
        query.bind(1, blob: node.bytes)
        query.bind(2, blob: clock.stored)
        try query.run()
    }

    private func noteNeighbour(_ node: NodeID) throws {
        let query = try Query(
            db, "INSERT OR IGNORE INTO peer (node, heard, told) VALUES (?1, ?2, ?2)")
        query.bind(1, blob: node.bytes)
        query.bind(2, blob: Clock().stored)
        try query.run()
    }

    // MARK: Invitations

    /// Notes an invitation. Only the secret's hash is kept.
    ///
    /// - Parameter expires: milliseconds since 1970.
    package func addInvitation(secret: [UInt8], role: Role, expires: UInt64) throws {
        let query = try Query(
            db, "INSERT INTO invitation (secret, role, expires) VALUES (?1, ?2, ?3)")
        query.bind(1, blob: Hashing.digest(secret).bytes)
        query.bind(2, Int(role.rawValue))
        query.bind(3, expires)
        try query.run()
    }

    /// Ends all invitations that nobody has used.
    ///
    /// - Returns: how many there were.
    package func withdrawInvitations() throws -> Int { try transaction.endInvitations() }

    /// Uses an invitation up, in the transaction that admits.
    ///
    /// Once means once, for the same node too: whoever was given another role since must not get
    /// the old one back with an old secret.
    ///
    /// - Returns: the role it invites to.
    /// - Throws: `invitationUnknown`, `invitationExpired`, `invitationUsed`.
    package func consumeInvitation(secret: [UInt8], by node: NodeID) throws -> Role {
        let hash = Hashing.digest(secret).bytes
        let query = try Query(
            db, "SELECT role, expires, used_by FROM invitation WHERE secret = ?1")
        query.bind(1, blob: hash)
        let found = try query.first { row in
            (role: try Role(stored: row.int(0)), expires: row.word(1), user: row.bytes(2))
        }
        guard let found else { throw StoreError.invitationUnknown }
        var isFresh = found.user.isEmpty
        #if DEBUG
            if PlantedDefect.invitationStaysGood.isPlanted { isFresh = true }
        #endif
        guard isFresh else { throw StoreError.invitationUsed }
        guard wallMilliseconds < found.expires else { throw StoreError.invitationExpired }
        let use = try Query(db, "UPDATE invitation SET used_by = ?2 WHERE secret = ?1")
        use.bind(1, blob: hash)
        use.bind(2, blob: node.bytes)
        try use.run()
        return found.role
    }
}

extension CasebookStore {
    /// See `WriteScope.noteHeard`.
    package func noteHeard(_ entries: [Clock.Entry], whole: Bool, from node: NodeID) async throws {
        try await write { try $0.noteHeard(entries, whole: whole, from: node) }
    }

    /// See `WriteScope.noteTold`.
    package func noteTold(_ clock: Clock, to node: NodeID) async throws {
        try await write { try $0.noteTold(clock, to: node) }
    }

    /// See `WriteScope.noteSync`.
    package func noteSync(with node: NodeID) async throws {
        try await write { try $0.noteSync(with: node) }
    }
}

extension Neighbour {
    fileprivate init(_ row: Query) throws {
        node = try NodeID(stored: row.bytes(0))
        petname = row.isNull(1) ? nil : row.text(1)
        lastSync = row.isNull(2) ? nil : row.word(2)
        heard = try Clock(stored: row.bytes(3))
        told = try Clock(stored: row.bytes(4))
    }
}

extension Role {
    init(stored number: Int) throws {
        guard let role = Role(rawValue: UInt8(truncatingIfNeeded: number)) else {
            throw StoreError.damaged("a role")
        }
        self = role
    }
}
