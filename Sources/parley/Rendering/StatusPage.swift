/// `status`: the node, its casebooks, its peers, and what was refused at the door.
package enum StatusPage {
    package static func text(_ status: StatusAnswer, on screen: Screen) -> String {
        var page = screen.paint(status.name.line, .title)
        page += "  node \(status.node.prefix(16))  \(daemon(status.daemon))\n"
        page += "\n" + casebooks(status.casebooks, on: screen)
        if !status.peers.isEmpty { page += "\n" + peers(status.peers, on: screen) }
        for casebook in status.casebooks {
            for clock in casebook.clocksAhead ?? [] {
                page += "\n" + screen.paint(text(of: clock), .attention) + "\n"
            }
        }
        for problem in status.problems ?? [] {
            page += "\n" + screen.paint(problem.line, .attention) + "\n"
        }
        if let refused = status.refused, !refused.isEmpty {
            page += "\nclosed before anybody was known: \(counts(refused))\n"
        }
        return page
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

    private static func daemon(_ daemon: JSONValue?) -> String {
        switch daemon {
        case nil, .null, .bool(false): "no daemon runs; start one with `parleyd`"
        case .bool(true): "daemon running"
        case .object(let parts): "daemon running, \(detail(parts))"
        case .some(let other): "daemon running (\(other.line))"
        }
    }

    private static func detail(_ parts: [String: JSONValue]) -> String {
        let listening = parts["listening"].map { "listening on \($0.line)" }
        let process = parts["pid"].map { "process \($0.line)" }
        return [listening, process].compactMap(\.self).joined(separator: ", ")
    }

    private static func casebooks(_ casebooks: [StatusAnswer.Casebook], on screen: Screen) -> String
    {
        guard !casebooks.isEmpty else {
            return "no casebook yet: `parley casebook create NAME` or `parley join CODE`\n"
        }
        var table = Table(
            "casebook", "role", "records", "conflicts", "changes", "digest",
            right: ["records", "conflicts", "changes"])
        table.rows = casebooks.map { casebook in
            [
                .init(casebook.name.line), .init(casebook.role ?? ""),
                .init(String(casebook.records)),
                .init(String(casebook.conflicts), casebook.conflicts > 0 ? .attention : .plain),
                .init(String(casebook.clock.values.reduce(0, +))),
                .init(String(casebook.digest.prefix(16)), .faint),
            ]
        }
        return table.text(on: screen)
    }

    private static func peers(_ peers: [StatusAnswer.Peer], on screen: Screen) -> String {
        var table = Table("peer", "node", "connected", "last sync", "refused")
        table.rows = peers.map { peer in
            [
                .init(peer.name?.line ?? "unknown"), .init(ShortNames.node(peer.node), .faint),
                peer.connected ? .init("yes", .good) : .init("no", .faint),
                .init(LocalTime.shown(peer.lastSync)),
                .init(counts(peer.refused ?? [:]), .attention),
            ]
        }
        return table.text(on: screen)
    }

    private static func counts(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
            .joined(separator: ", ")
    }
}
