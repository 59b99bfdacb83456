import Glibc
import ParleyCRDT
import ParleyCasework
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTransport

/// Where things stand.
extension Node {
    func status() async throws -> Response {
        var casebooks: [JSONValue] = []
        var peers: [NodeID: (name: String, lastSync: UInt64?)] = [:]
        for store in await shelf.stores() {
            let own = identity.node
            casebooks.append(try await store.read { try $0.casebookStatus(of: own) })
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
                ("home", .string(home.path)),
                ("daemon", daemonStatus), ("casebooks", .array(casebooks)),
                ("peers", .array(peerList)), ("refused", .counts(refusals?.total ?? [:])),
                ("unopened", .array(shelf.unopened.map { .string($0.path) })),
                ("problems", .array(problems.map { .string($0.message) })),
            ]))
    }

    private var problems: [NodeError] {
        let twins = hub.twins.sorted().map { node in
            NodeError(
                .refused,
                "node \(node.fingerprint) ran on two machines at once. `parley doctor` says what to do about it."
            )
        }
        return shelf.problems + twins
    }

    /// Where the daemon listens, null where none runs.
    private var daemonStatus: JSONValue {
        guard let network else { return .null }
        return .object([
            ("listening", .optional(network.address)), ("control", .string(home.controlPath)),
            ("pid", .integer(getpid())),
        ])
    }
}

extension ReadScope {
    /// A casebook's part of `status`.
    ///
    /// - Parameter node: whose role is meant: this node.
    fileprivate func casebookStatus(of node: NodeID) throws -> JSONValue {
        let summary = try summary()
        let role = try members().first { $0.node == node }?.role.name
        let records = summary.records.filter { Schema.casework[$0.type] != nil }
            .reduce(0) { $0 + $1.count }
        return .object([
            ("casebook", .string(summary.casebook.bytes.hex)), ("name", .string(summary.name)),
            ("role", .optional(role)), ("records", .integer(records)),
            ("conflicts", .integer(summary.conflicts)),
            ("clock", .object(summary.applied.entries.flatMap(ReadScope.tips))),
            ("digest", .string(summary.digest.bytes.hex)),
            ("uninterpreted", .integer(summary.uninterpreted)),
            ("forks", .array(try forks().map(fork))),
            ("clocksAhead", .array(try clockLeads().map(clockAhead))),
        ])
    }

    /// `ORIGIN`, or `ORIGIN~HASH8` for each branch of a forked log, with the sequence number.
    private static func tips(of entry: Clock.Entry) -> [(String, JSONValue)] {
        entry.tips.map { tip in
            let branch = entry.tips.count > 1 ? "~" + Array(tip.hash.bytes.prefix(4)).hex : ""
            return (entry.origin.text + branch, .integer(tip.sequence))
        }
    }

    private func fork(_ origin: Origin) throws -> JSONValue {
        .object([
            ("origin", .string(origin.text)), ("by", .optional(try memberName(origin.node))),
        ])
    }

    private func clockAhead(_ lead: ClockLead) throws -> JSONValue {
        .object([
            ("node", .string(lead.node.text)), ("by", .optional(try memberName(lead.node))),
            ("seconds", .integer(lead.milliseconds / 1000)),
            ("seen", .string(Timestamp(milliseconds: lead.seen).text)),
        ])
    }
}

extension JSONValue {
    /// Counts by reason, sorted by name.
    fileprivate static func counts(_ counts: [String: Int]) -> JSONValue {
        .object(counts.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })
    }
}
