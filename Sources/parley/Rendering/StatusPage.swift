import ParleyNode

/// `status`: the node, its casebooks, its peers, and what was refused at the door.
package enum StatusPage {
    package static func text(_ status: StatusAnswer, on screen: Screen) -> String {
        var page = screen.paint(status.name.line, .title)
        page += "  node \(status.node.prefix(16))  \(daemon(of: status))\n"
        page += "\n" + casebooks(in: status, on: screen)
        page += conflictHint(status.casebooks.reduce(0) { $0 + $1.conflicts })
        if !status.peers.isEmpty { page += "\n" + peers(in: status, on: screen) }
        for casebook in status.casebooks {
            for fork in casebook.forks ?? [] {
                let name = fork.by?.line ?? "an unknown node"
                page +=
                    "\n" + screen.paint("a log of \(name) was written twice", .attention)
                    + ": see `parley doctor`\n"
            }
            for clock in casebook.clocksAhead ?? [] {
                page += "\n" + screen.paint(text(of: clock), .attention) + "\n"
            }
        }
        for problem in status.problems ?? [] {
            page += "\n" + screen.paint(problem.line, .attention) + "\n"
        }
        return page + failures(in: status)
    }

    private static func conflictHint(_ conflicts: Int) -> String {
        guard conflicts > 0 else { return "" }
        let wait = conflicts == 1 ? "waits" : "wait"
        return "\n\(Amount.text(conflicts, "conflict")) \(wait) to be settled: see "
            + "`parley conflict list`\n"
    }

    /// Which of two clocks is wrong can't be told from here.
    private static func text(of clock: StatusAnswer.ClockAhead) -> String {
        let name = clock.by?.line ?? ShortNames.node(clock.node)
        let minutes = clock.seconds / 60
        let lead =
            minutes < 120
            ? "\(minutes) minutes"
            : minutes < 2880 ? "\(minutes / 60) hours" : "\(minutes / 1440) days"
        return
            "the clock of \(name) is \(lead) ahead of this one's, seen \(LocalTime.shown(clock.seen)): set whichever is wrong. Until then its changes are listed as newer than they are."
    }

    private static func daemon(of status: StatusAnswer) -> String {
        switch status.daemon {
        case nil, .null, .bool(false):
            "no daemon runs, so nothing is exchanged; `\(start(status.home))` starts one"
        case .bool(true): "daemon running"
        case .object(let parts): "daemon running, \(detail(parts))"
        case .some(let other): "daemon running (\(other.line))"
        }
    }

    private static func start(_ home: String?) -> String {
        home.map { "parleyd --home \(ShellWord.quoted($0))" } ?? "parleyd"
    }

    private static func detail(_ parts: [String: JSONValue]) -> String {
        let listening = parts["listening"].map { "listening on \($0.line)" }
        let process = parts["pid"].map { "process \($0.line)" }
        return [listening, process].compactMap(\.self).joined(separator: ", ")
    }

    private static func casebooks(in status: StatusAnswer, on screen: Screen) -> String {
        let unopened = unopened(status.unopened?.count ?? 0, on: screen)
        guard !status.casebooks.isEmpty else {
            return unopened.isEmpty
                ? "no casebook yet: `parley casebook create NAME` or `parley join CODE`\n"
                : unopened
        }
        var table = Table(
            "casebook", "role", "records", "conflicts", "changes", "digest",
            right: ["records", "conflicts", "changes"])
        table.rows = status.casebooks.map { casebook in
            [
                .init(casebook.name.line), .init(casebook.role ?? ""),
                .init(String(casebook.records)),
                .init(String(casebook.conflicts), casebook.conflicts > 0 ? .attention : .plain),
                .init(String(casebook.clock.values.reduce(0, +))),
                .init(String(casebook.digest.prefix(16)), .faint),
            ]
        }
        return table.text(on: screen) + unopened
    }

    /// Casebooks that are here all the same: whoever took them for missing would make another one.
    private static func unopened(_ count: Int, on screen: Screen) -> String {
        guard count > 0 else { return "" }
        let what = "\(Amount.text(count, "casebook")) here can't be opened now"
        return screen.paint(what, .attention) + ": see below\n"
    }

    private static func peers(in status: StatusAnswer, on screen: Screen) -> String {
        // Without a daemon nobody can be connected.
        let isOnline = ![nil, .null, .bool(false)].contains(status.daemon)
        let titles = ["peer", "node"] + (isOnline ? ["connected"] : []) + ["last sync"]
        var table = Table(columns: titles.map { Table.Column(title: $0) })
        table.rows = status.peers.map { peer in
            let connected: Table.Cell = peer.connected ? .init("yes", .good) : .init("no", .faint)
            return [
                .init(peer.name?.line ?? "unknown"), .init(ShortNames.node(peer.node), .faint),
            ] + (isOnline ? [connected] : []) + [.init(LocalTime.shown(peer.lastSync))]
        }
        return table.text(on: screen)
    }

    // MARK: Connections that failed

    /// Where the daemon's connections failed since it started, whoever had dialled.
    private static func failures(in status: StatusAnswer) -> String {
        let ofPeers = status.peers.map { (name(of: $0), $0.refused ?? [:]) }
        let strangers = ofPeers.reduce(status.refused ?? [:]) { rest, peer in
            rest.merging(peer.1) { $0 - $1 }
        }
        let lines = (ofPeers + [("others", strangers)]).compactMap { name, counts in
            line(about: name, counts.filter { $0.value > 0 })
        }
        guard !lines.isEmpty else { return "" }
        return "\nfailed connections since the daemon started\n" + lines.joined()
    }

    private static func name(of peer: StatusAnswer.Peer) -> String {
        peer.name?.line ?? ShortNames.node(peer.node)
    }

    private static func line(about name: String, _ counts: [String: Int]) -> String? {
        guard !counts.isEmpty else { return nil }
        let reasons = counts.sorted { $0.key < $1.key }
            .map { "\($0.value) × \(ConnectionEnd.words(for: $0.key))" }
        return "  \(name): \(reasons.joined(separator: "; "))\n"
    }
}
