import ParleyCRDT
import ParleyControl
import ParleyModel
import ParleyStore
import ParleyTransport

/// Meeting other nodes on request.
extension Node {
    func sync(peer typed: String?, waitSeconds: Int) async throws -> Response {
        guard let network else {
            throw NodeError(
                .unreachable,
                "cannot sync: no daemon runs on \(home.path). Start `parleyd --home \(home.path) --listen HOST:PORT`."
            )
        }
        let stores = await shelf.stores()
        let peers = if let typed { [try await peer(typed, in: stores)] } else { shelf.neighbours }
        let patience = Duration.seconds(waitSeconds)
        var meetings = await meet(peers, on: network, within: patience)
        let reached = meetings.filter(\.report.isComplete).map(\.report.peer)
        if reached.count > 1 {
            // What one peer brought in the first round, the others have after the second. Who
            // hadn't told everything in time would tell the same again.
            let second = await meet(reached, on: network, within: patience)
            meetings = meetings.map { first in
                second.first { $0.report.peer == first.report.peer }.map(first.followed) ?? first
            }
        }
        if let typed, let meeting = meetings.first, !meeting.report.wasConnected {
            throw NodeError(
                .unreachable,
                "cannot reach `\(typed)`: \(meeting.obstacle ?? "no reason is known"). See that its parleyd runs; `parley peer list` shows where it is looked for, `parley peer add NODE HOST:PORT` adds an address."
            )
        }
        let account = try await SyncAccount(meetings, of: stores)
        return Response(exitCode: account.exitCode, json: account.json)
    }

    private func meet(
        _ peers: [NodeID], on network: PeerService, within patience: Duration
    ) async -> [Meeting] {
        await withTaskGroup(of: Meeting.self) { group in
            for peer in peers {
                group.addTask { await network.sync(with: peer, within: patience) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }
}

/// What `sync` answers.
private struct SyncAccount {
    /// Sorted by peer.
    private let meetings: [Meeting]
    private var names: [NodeID: String] = [:]
    /// Changes that are held in casebooks shared with a peer and can't be applied yet.
    private var waiting: [NodeID: Int] = [:]
    /// How many conflicts are open now in what a peer sent. A record counts for one peer only, so
    /// that the sum is no more than `conflict list` shows.
    private var conflicts: [NodeID: Int] = [:]

    init(_ meetings: [Meeting], of stores: [CasebookStore]) async throws {
        self.meetings = meetings.sorted { $0.report.peer < $1.report.peer }
        let touchesConflicts = meetings.contains { !$0.report.openConflicts.isEmpty }
        for store in stores {
            let (waiting, names, open) = try await store.read { scope in
                (
                    try scope.waitingCount(),
                    try scope.members().map { ($0.node, try scope.name(of: $0)) },
                    touchesConflicts ? Set(try scope.conflicts(limit: 0).map(\.record)) : []
                )
            }
            for (node, name) in names {
                self.names[node] = name
                self.waiting[node, default: 0] += waiting
            }
            try await count(open, in: store)
        }
    }

    private mutating func count(_ open: Set<RecordID>, in store: CasebookStore) async throws {
        var rest = open
        for meeting in meetings {
            let records = rest.intersection(meeting.report.openConflicts.keys)
            rest.subtract(records)
            let count = try await store.read { scope in
                try records.reduce(0) { $0 + (try scope.record($1)?.conflicts.count ?? 0) }
            }
            conflicts[meeting.report.peer, default: 0] += count
        }
    }

    /// 5 where nobody could be met or not all of it was exchanged with anybody, 4 where conflicts
    /// are open in what came.
    var exitCode: Int32 {
        if !meetings.isEmpty, !meetings.contains(where: \.report.isComplete) { return 5 }
        return conflicts.values.contains { $0 > 0 } ? 4 : 0
    }

    var json: String { JSONText.array(meetings.map { json(of: $0) }) }

    private func json(of meeting: Meeting) -> JSONValue {
        let report = meeting.report
        return .object([
            ("peer", .string(names[report.peer] ?? report.peer.fingerprint)),
            ("node", .string(report.peer.text)),
            ("received", .integer(report.received)), ("sent", .integer(report.sent)),
            ("conflicts", .integer(conflicts[report.peer] ?? 0)),
            ("bytesIn", .integer(report.traffic.received)),
            ("bytesOut", .integer(report.traffic.sent)),
            ("plainIn", .integer(report.columns.received)),
            ("plainOut", .integer(report.columns.sent)),
            ("uninterpreted", .integer(report.uninterpreted)),
            ("missing", missing(from: report.peer)),
            ("reached", .bool(report.wasConnected)),
            ("complete", .bool(report.isComplete)),
            ("reason", .optional(meeting.obstacle)),
        ])
    }

    /// What is still missing after a sync, and why.
    private func missing(from peer: NodeID) -> JSONValue {
        guard let count = waiting[peer], count > 0 else { return .array([]) }
        return .array([
            .object([
                ("changes", .integer(count)),
                ("why", .string("held, but what they build on hasn't arrived yet")),
            ])
        ])
    }
}
