import Glibc
import ParleyCRDT
import ParleyCasework
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTransport
import ParleyWire

/// The other nodes: who they are, where they are, and meeting them.
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
                    ("role", .string(member.role.name)),
                    ("addresses", .array(addresses.map { .string($0) })),
                    ("taken", .array(elsewhere.map { .string($0) })),
                    ("connected", .bool(connected.contains(member.node))),
                ])
            }
        }
        return Response(json: JSONText.array(peers))
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
        return try await listPeers(casebook: casebook)
    }

    func renamePeer(_ typed: String, name: String, casebook: String?) async throws -> Response {
        guard Home.isName(name) else {
            throw NodeError(
                .refused, "cannot use that name: a name has 1 to 64 characters and no line breaks.")
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
            throw NodeError(.refused, "cannot use that name: another member has it here.")
        }
        try await store.write { try $0.setPetname(name, of: node) }
        return try await listPeers(casebook: casebook)
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
            throw NodeError(
                .notFound, "no peer `\(typed)` here. Type `parley peer list` for their names.")
        }
        return node
    }

    // MARK: Status

    func status() async throws -> Response {
        var casebooks: [JSONValue] = []
        var peers: [NodeID: (name: String, lastSync: UInt64?)] = [:]
        for store in await shelf.stores() {
            casebooks.append(try await statusOf(store))
            let own = identity.node
            let neighbours = try await store.read { scope in
                try scope.members().filter { $0.node != own }.map {
                    ($0.node, try scope.name(of: $0), try scope.neighbour($0.node)?.lastSync)
                }
            }
            for (node, name, lastSync) in neighbours {
                let earlier = peers[node]?.lastSync
                peers[node] = (name, [earlier, lastSync].compactMap { $0 }.max())
            }
        }
        let connected = Set(hub.sessions.map(\.peer))
        let refusals = network?.refusals
        let peerList = peers.sorted { $0.key < $1.key }.map { node, peer -> JSONValue in
            .object([
                ("node", .string(node.text)), ("name", .string(peer.name)),
                ("connected", .bool(connected.contains(node))),
                ("lastSync", .optional(peer.lastSync.map { Timestamp(milliseconds: $0).text })),
                ("refused", .counts(refusals?.count(of: node) ?? [:])),
            ])
        }
        return Response(
            json: JSONText.object([
                ("node", .string(identity.node.text)), ("name", .string(home.name())),
                ("daemon", daemonStatus), ("casebooks", .array(casebooks)),
                ("peers", .array(peerList)), ("refused", .counts(refusals?.total ?? [:])),
                ("problems", .array(shelf.problems.map { .string($0.message) })),
            ]))
    }

    /// Where the daemon listens, null where none runs.
    private var daemonStatus: JSONValue {
        guard let network else { return .null }
        return .object([
            ("listening", .optional(network.address)), ("control", .string(home.controlPath)),
            ("pid", .integer(getpid())),
        ])
    }

    private func statusOf(_ store: CasebookStore) async throws -> JSONValue {
        let role = store.members.first { $0.node == identity.node }?.role.name
        return try await store.read { scope in
            let summary = try scope.summary()
            return .object([
                ("casebook", .string(summary.casebook.bytes.hex)), ("name", .string(summary.name)),
                ("role", .optional(role)),
                (
                    "records",
                    .integer(
                        summary.records.filter { Schema.casework[$0.type] != nil }
                            .reduce(0) { $0 + $1.count })
                ),
                ("conflicts", .integer(summary.conflicts)),
                (
                    "clock",
                    .object(
                        summary.applied.entries.flatMap { entry in
                            entry.tips.map { tip in
                                let branch =
                                    entry.tips.count > 1
                                    ? "~" + tip.hash.bytes.prefix(4).hexText : ""
                                return (entry.origin.text + branch, .integer(tip.sequence))
                            }
                        })
                ),
                ("digest", .string(summary.digest.bytes.hex)),
                ("uninterpreted", .integer(summary.uninterpreted)),
                (
                    "clocksAhead",
                    .array(
                        try scope.clockLeads().map { lead in
                            .object([
                                ("node", .string(lead.node.text)),
                                ("by", .optional(try scope.memberName(lead.node))),
                                ("seconds", .integer(lead.milliseconds / 1000)),
                                ("seen", .string(Timestamp(milliseconds: lead.seen).text)),
                            ])
                        })
                ),
            ])
        }
    }
}

extension ReadScope {
    /// What this node's people call a member: their own name for it, or the casebook's.
    func name(of member: Member) throws -> String {
        try neighbour(member.node)?.petname ?? member.name
    }
}

extension JSONValue {
    /// Counts by reason, sorted by name.
    fileprivate static func counts(_ counts: [String: Int]) -> JSONValue {
        .object(counts.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })
    }
}

extension ArraySlice<UInt8> {
    fileprivate var hexText: String { Array(self).hex }
}
