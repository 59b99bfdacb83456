/// Tables about the members of a team.
package enum PeerPage {
    package static func text(_ peers: [PeerAnswer], on screen: Screen) -> String {
        guard !peers.isEmpty else {
            return "no peers yet: `parley invite` on a coordinator's node makes a code for one\n"
        }
        var table = Table("peer", "node", "role", "connected", "addresses")
        table.rows = peers.map { peer in
            [
                .init(peer.name.line), .init(String(peer.node.prefix(16)), .faint),
                role(peer.role, isRevoked: peer.revoked == true),
                peer.connected == true ? .init("yes", .good) : .init("no", .faint),
                .init(addresses(of: peer)),
            ]
        }
        return table.text(on: screen)
    }

    /// What was forgotten, and what that doesn't mean.
    static func text(_ removed: [RemovedAddress]) -> String {
        let lines = removed.map {
            "forgot \($0.address) of \($0.name?.line ?? ShortNames.node($0.node))\n"
        }
        let members = Set(removed.filter(\.member).map { $0.name?.line ?? "" }).sorted()
        let remarks = members.map { "\($0) is a member as before; only the address is forgotten\n" }
        return (lines + remarks).joined()
    }

    private static func addresses(of peer: PeerAnswer) -> String {
        let taken = Set((peer.taken ?? []).map(\.line))
        return (peer.addresses ?? []).map(\.line)
            .map { taken.contains($0) ? "\($0) (another node answers)" : $0 }
            .joined(separator: ", ")
    }

    package static func text(_ casebook: CasebookAnswer, on screen: Screen) -> String {
        let id = ShortNames.record(casebook.casebook)
        let heading =
            screen.paint(casebook.name.line, .title)
            + "  casebook \(id), you are \(casebook.role ?? "no member")\n"
        guard let members = casebook.members, !members.isEmpty else { return heading }
        var table = Table("member", "node", "role")
        table.rows = members.map { member in
            [
                .init(member.name.line), .init(String(member.node.prefix(16)), .faint),
                role(member.role, isRevoked: member.revoked == true),
            ]
        }
        return heading + "\n" + table.text(on: screen) + orphaned(casebook, on: screen)
    }

    private static func role(_ role: String?, isRevoked: Bool) -> Table.Cell {
        isRevoked ? .init("revoked", .attention) : .init(role ?? "")
    }

    private static func orphaned(_ casebook: CasebookAnswer, on screen: Screen) -> String {
        guard casebook.coordinators == 0 else { return "" }
        return screen.paint("\nno coordinator is left", .attention)
            + """
            : nobody can be invited, revoked or given a role here any more, and nothing erased.
            The records stay, can be edited and go on being exchanged. To have coordinators again,
            start a new casebook with `parley casebook create NAME` and invite the others there.

            """
    }

    package static func text(_ casebooks: [CasebookAnswer], on screen: Screen) -> String {
        guard !casebooks.isEmpty else {
            return "no casebook yet: `parley casebook create NAME` or `parley join CODE`\n"
        }
        var table = Table("casebook", "id", "role", "members", right: ["members"])
        table.rows = casebooks.map { casebook in
            [
                .init(casebook.name.line), .init(ShortNames.record(casebook.casebook), .faint),
                .init(casebook.role ?? ""), .init(casebook.members.map { String($0.count) } ?? ""),
            ]
        }
        return table.text(on: screen)
    }
}
