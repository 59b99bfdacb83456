import ParleyCRDT
import ParleyModel
import ParleyStore
import ParleyWire

/// What `doctor` says of one casebook and of those it is shared with. All of it is of one moment.
struct CasebookCheckup {
    /// Members who haven't been met for so long may have lost their machine, or we our network.
    static let patienceDays: UInt64 = 14

    let scope: ReadScope
    let casebook: String
    /// ` --casebook ID` where a node has several, to follow a command.
    let option: String
    let own: NodeID
    /// Milliseconds since 1970.
    let now: UInt64
    let connected: Set<NodeID>
    /// Those of whom two were running at once.
    let twins: Set<NodeID>
    private let members: [Member]

    init(
        _ scope: ReadScope, casebook: String, option: String, own: NodeID, now: UInt64,
        connected: Set<NodeID>, twins: Set<NodeID>
    ) throws {
        self.scope = scope
        self.casebook = casebook
        self.option = option
        self.own = own
        self.now = now
        self.connected = connected
        self.twins = twins
        members = try scope.members().filter { !$0.isRevoked }
    }

    private var others: [Member] { members.filter { $0.node != own } }

    func results() throws -> [CheckResult] {
        try team() + clocks() + branches() + [uninterpreted()] + waiting() + setAside() + missing()
            + void()
            + [copies()] + erasures()
    }

    func name(_ node: NodeID) throws -> String {
        let member = try scope.members().first { $0.node == node }
        return try member.map { try scope.name(of: $0) } ?? "node \(node.fingerprint)"
    }

    func well(_ check: String, _ detail: String) -> CheckResult {
        .well(check, in: casebook, detail)
    }

    func wrong(_ check: String, _ detail: String, next: String) -> CheckResult {
        .wrong(check, in: casebook, detail, next: next)
    }

    // MARK: The team

    private func team() throws -> [CheckResult] {
        try [coordinator(), invitations(), lastSync()] + addresses() + runs()
    }

    private func coordinator() -> CheckResult {
        let count = members.count { $0.role == .coordinator }
        guard count == 0 else {
            return well("coordinators", "\(Amount.text(count, "coordinator")) can admit and revoke")
        }
        return wrong(
            "coordinators",
            "nobody is coordinator any more, so that nobody can be admitted or revoked",
            next:
                "start another with `parley casebook create NAME`, invite the others to it, and enter there what is to go on"
        )
    }

    private func invitations() throws -> CheckResult {
        let open = try scope.openInvitations().filter { $0.expires > now }
        guard let last = open.last else { return well("invitations", "no invitation is open") }
        let roles = open.map(\.role.name).joined(separator: ", ")
        return .well(
            "invitations", in: casebook,
            "\(Amount.text(open.count, "invitation")) open (\(roles)), the last until \(Timestamp(milliseconds: last.expires).text)",
            next:
                "nothing, if whoever has the code is meant to have it: it ends by itself. `parley uninvite\(option)` ends it now; `parley casebook show\(option)` shows who came"
        )
    }

    private func runs() throws -> [CheckResult] {
        let found = others.map(\.node).filter(twins.contains)
        guard !found.isEmpty else {
            return [well("runs", "no member's node is known to run twice")]
        }
        return try found.map { node in
            let name = try name(node)
            return wrong(
                "runs",
                "the node of \(name) ran on two machines at once since the daemon started: its folder was copied, or its key is in other hands",
                next:
                    "ask \(name). A copy that nobody needs is stopped and removed; a stolen key is cut off by a coordinator: `parley peer revoke \(name)\(option)`"
            )
        }
    }

    private func lastSync() throws -> CheckResult {
        guard !others.isEmpty else { return well("sync", "nobody else is in this casebook") }
        if others.contains(where: { connected.contains($0.node) }) {
            return well("sync", "connected to a member now")
        }
        let last = try others.compactMap { try scope.neighbour($0.node)?.lastSync }.max()
        guard let last else {
            return wrong(
                "sync", "nothing was exchanged with anybody yet",
                next: "start the daemon and type `parley sync`")
        }
        let day = "the last exchange with anybody was on \(Timestamp(milliseconds: last).day)"
        guard now > last + CasebookCheckup.patienceDays * 86_400_000 else {
            return well("sync", day)
        }
        return wrong(
            "sync", "\(day), more than \(CasebookCheckup.patienceDays) days ago",
            next: "start the daemon where the others can be reached and type `parley sync`")
    }

    private func addresses() throws -> [CheckResult] {
        let known = Set(try scope.addresses().map(\.node))
        let lost = others.filter { !known.contains($0.node) }
        guard !lost.isEmpty else {
            return [well("addresses", "an address is known of every member")]
        }
        return try lost.map { member in
            wrong(
                "addresses",
                "no address is known of \(try name(member.node)), who can only come by itself",
                next:
                    "ask where that node listens, then `parley peer add \(member.node.fingerprint) HOST:PORT\(option)`"
            )
        }
    }
}
