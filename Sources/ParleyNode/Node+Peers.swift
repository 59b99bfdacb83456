import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTransport
import ParleyWire

/// The other nodes: who they are and where they are.
extension Node {
    func listPeers(casebook: String?) async throws -> Response {
        let store = try await self.casebook(casebook)
        let own = identity.node
        let connected = Set(hub.sessions.map(\.peer))
        let taken = network?.taken
        let peers: [JSONValue] = try await store.read { scope in
            let known = try scope.addresses()
            return try scope.members().filter { $0.node != own }.map { member in
                let addresses = known.filter { $0.node == member.node }.map(\.address)
                let elsewhere = addresses.filter { taken?.contains($0, of: member.node) ?? false }
                return .object([
                    ("node", .string(member.node.text)),
                    ("name", .string(try scope.name(of: member))),
                    ("role", .string(member.role.name)), ("revoked", .bool(member.isRevoked)),
                    ("addresses", .array(addresses.map { .string($0) })),
                    ("taken", .array(elsewhere.map { .string($0) })),
                    ("connected", .bool(connected.contains(member.node))),
                ])
            }
        }
        return Response(json: JSONText.array(peers))
    }

    /// The members after something about one of them was written down.
    func listPeers(having deed: String, casebook: String?) async throws -> Response {
        do {
            return try await listPeers(casebook: casebook)
        } catch {
            throw NodeError(having: deed, butNotShown: "`parley peer list`", error)
        }
    }

    func addPeer(_ typed: String, address: String, casebook: String?) async throws -> Response {
        guard let (_, port) = HostPort.split(address), port > 0 else {
            throw NodeError(
                .refused,
                "cannot use that address: it must be HOST:PORT, for instance node.example:7440 or [2001:db8::7]:7440."
            )
        }
        let store = try await self.casebook(casebook)
        let node = try await peer(typed, in: [store])
        let now = shelf.environment.wallMilliseconds()
        try await store.write {
            try $0.noteAddress(address, of: node, seenMilliseconds: now)
        }
        network?.learned(node)
        return try await listPeers(having: "the address was noted", casebook: casebook)
    }

    /// Forgets an address, or all addresses of a member, here only: others may know them too.
    func removePeer(_ typed: String, casebook: String?) async throws -> Response {
        let store = try await self.casebook(casebook)
        let known = try await store.read { try $0.addresses() }
        var addresses = known.filter { $0.address == typed }
        if addresses.isEmpty {
            guard HostPort.split(typed) == nil else {
                throw NodeError(
                    .notFound,
                    "nobody is looked for at \(typed). Type `parley peer list` for the addresses.")
            }
            let node = try await peer(typed, in: [store])
            addresses = known.filter { $0.node == node }
            guard !addresses.isEmpty else {
                throw NodeError(
                    .refused,
                    "no address of `\(typed)` is known here, so there is none to forget. Members stay members; `parley peer revoke` is what ends that."
                )
            }
        }
        let forgotten = addresses
        let removed = try await store.write { scope in
            try forgotten.filter { try scope.forgetAddress($0.address, of: $0.node) }.map {
                removed -> JSONValue in
                let member = try scope.members().first { $0.node == removed.node }
                return .object([
                    ("node", .string(removed.node.text)),
                    ("name", .optional(try member.map { try scope.name(of: $0) })),
                    ("address", .string(removed.address)), ("member", .bool(member != nil)),
                ])
            }
        }
        return Response(json: JSONText.array(removed))
    }

    func renamePeer(_ typed: String, name: String, casebook: String?) async throws -> Response {
        guard Home.isName(name) else {
            throw NodeError(
                .refused,
                "cannot use that name: a name has 1 to 64 characters, without line breaks and other control characters."
            )
        }
        let store = try await self.casebook(casebook)
        let node = try await peer(typed, in: [store])
        let isTaken = try await store.read { scope in
            try scope.members().contains { member in
                guard member.node != node else { return false }
                return try member.name == name || scope.name(of: member) == name
            }
        }
        guard !isTaken else {
            throw NodeError(
                .refused,
                "cannot use that name: another member has it here. `parley peer list` shows all; choose one that isn't there."
            )
        }
        try await store.write { try $0.setPetname(name, of: node) }
        return try await listPeers(having: "the name was noted", casebook: casebook)
    }

    /// The member somebody means: by name, or by any unique beginning of the node's digits.
    ///
    /// - Throws: `refused` where that could be several, which is no matter of taste: it decides whom
    ///   an address is believed to belong to.
    func peer(_ typed: String, in stores: [CasebookStore]) async throws -> NodeID {
        var byName: [NodeID: String] = [:]
        var byDigits: [NodeID: String] = [:]
        let own = identity.node
        for store in stores {
            let named = try await store.read { scope in
                try scope.members().filter { $0.node != own }
                    .map { ($0.node, $0.name, try scope.name(of: $0)) }
            }
            for (node, name, petname) in named {
                if name == typed || petname == typed { byName[node] = petname }
                if typed.count >= 4, node.text.hasPrefix(typed.lowercased()) {
                    byDigits[node] = petname
                }
            }
        }
        let found = byName.isEmpty ? byDigits : byName
        guard found.count <= 1 else {
            let names = found.map { "\($0.value) (\($0.key.fingerprint))" }.sorted()
            throw NodeError(
                .refused,
                "`\(typed)` could be \(names.joined(separator: " or ")). Type as many of the digits as tell them apart."
            )
        }
        guard let node = found.keys.first else {
            let isOwn = stores.contains { store in
                store.members.contains { $0.node == own && $0.name == typed }
            }
            guard !isOwn else {
                throw NodeError(
                    .refused,
                    "`\(typed)` is this node itself. What is to be done about it, another coordinator does."
                )
            }
            throw NodeError(
                .notFound, "no peer `\(typed)` here. Type `parley peer list` for their names.")
        }
        return node
    }
}

extension ReadScope {
    /// What this node's people call a member: their own name for it, or the casebook's.
    func name(of member: Member) throws -> String {
        try neighbour(member.node)?.petname ?? member.name
    }
}
