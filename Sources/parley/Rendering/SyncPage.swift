import ParleyNode

/// `sync`: what went each way with each peer, and what is still missing.
package enum SyncPage {
    package static func text(_ peers: [SyncAnswer], on screen: Screen) -> String {
        guard !peers.isEmpty else {
            return "no peer to sync with: `parley peer add NODE HOST:PORT` or `parley join CODE`\n"
        }
        var table = Table(
            "peer", "received", "sent", "conflicts", "bytes in", "bytes out", "state",
            right: ["received", "sent", "conflicts", "bytes in", "bytes out"])
        table.rows = peers.map { peer in
            [
                .init(peer.peer.line), .init(String(peer.received)), .init(String(peer.sent)),
                .init(String(peer.conflicts), peer.conflicts > 0 ? .attention : .plain),
                .init(ByteText.of(peer.bytesIn)), .init(ByteText.of(peer.bytesOut)),
                state(of: peer),
            ]
        }
        return table.text(on: screen) + obstacles(to: peers)
            + conflictHint(peers.reduce(0) { $0 + $1.conflicts }) + remarks(on: peers)
    }

    /// What is here and has no effect, and why.
    private static func remarks(on peers: [SyncAnswer]) -> String {
        let uninterpreted = peers.reduce(0) { $0 + ($1.uninterpreted ?? 0) }
        let missing = peers.flatMap { $0.missing ?? [] }.max { $0.changes < $1.changes }
        var lines = ""
        if uninterpreted > 0 {
            let groups = Amount.text(
                uninterpreted, "part of a change", plural: "parts of changes")
            lines += "\n\(groups) can't be interpreted here: another node runs a newer version\n"
        }
        if let missing {
            lines += "\n\(Amount.text(missing.changes, "change")) \(missing.why)\n"
        }
        return lines
    }

    private static func state(of peer: SyncAnswer) -> Table.Cell {
        if peer.complete { return .init("complete", .good) }
        return .init(peer.reached == false ? "not reached" : "incomplete", .attention)
    }

    /// Whom there is more to exchange with, and why: below the table, which may have no room.
    private static func obstacles(to peers: [SyncAnswer]) -> String {
        let lines = peers.filter { !$0.complete }.map { peer in
            let deed = peer.reached == false ? "wasn't reached" : "hasn't exchanged everything"
            return "\(peer.peer) \(deed): \(peer.reason?.line ?? "no reason is known")\n"
        }
        return lines.isEmpty ? "" : "\n" + lines.joined()
    }

    private static func conflictHint(_ conflicts: Int) -> String {
        guard conflicts > 0 else { return "" }
        let are = conflicts == 1 ? "is" : "are"
        return "\n\(Amount.text(conflicts, "conflict")) \(are) open in what came: see "
            + "`parley conflict list`\n"
    }
}

/// A number of bytes for people.
package enum ByteText {
    /// `812 B`, `4.2 KiB`, `18.0 MiB`
    package static func of(_ count: Int) -> String {
        guard count >= 1_024 else { return "\(count) B" }
        var tenths = count * 10 / 1_024
        var units = ["KiB", "MiB", "GiB"]
        while tenths >= 10_240, units.count > 1 {
            tenths /= 1_024
            units.removeFirst()
        }
        return "\(tenths / 10).\(tenths % 10) \(units[0])"
    }
}
