import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire

/// Who belongs to a casebook, as far as coordinators decide that after an invitation.
extension Node {
    /// Ends a member's membership for good.
    ///
    /// - Parameter until: the last changes of its logs that count, as typed; of logs not named here
    ///   all that is applied counts.
    func revokePeer(
        _ typed: String, until changes: [String], casebook: String?
    ) async throws -> Response {
        let store = try await self.casebook(casebook)
        try requireCoordinator(of: store, to: "revoke anybody")
        let node = try await peer(typed, in: [store])
        try await store.write { scope in
            let tips = try scope.acceptedTips(of: node, until: changes)
            try scope.revoke(node, keeping: tips)
        }
        return try await listPeers(casebook: casebook)
    }

    func setRole(
        of typed: String, to name: String, casebook: String?
    ) async throws -> Response {
        guard let role = Role(name: name) else { throw NodeError.noRole }
        let store = try await self.casebook(casebook)
        try requireCoordinator(of: store, to: "change roles")
        let node = try await peer(typed, in: [store])
        try await store.write { scope in
            guard let member = try scope.members().first(where: { $0.node == node }) else {
                throw NodeError(.notFound, "no such member. Type `parley peer list` for all.")
            }
            guard !member.isRevoked else {
                throw NodeError(
                    .refused,
                    "cannot give `\(typed)` a role: it was revoked, and a revoked node is never let in again. Its person makes a new one with `parley init` in another home; then invite that."
                )
            }
            guard member.role != role else {
                throw NodeError(.refused, "nothing to change: `\(typed)` has that role already.")
            }
            try scope.setRole(of: member, to: role)
        }
        return try await listPeers(casebook: casebook)
    }

    /// - Throws: `notPermitted` with whom to ask.
    func requireCoordinator(of store: CasebookStore, to verb: String) throws {
        let members = store.members
        if members.contains(where: { $0.node == identity.node && $0.isCoordinating }) { return }
        throw NodeError(onlyCoordinatorsMay: verb, members)
    }
}

extension Member {
    var isCoordinating: Bool { role == .coordinator && !isRevoked }
}

extension NodeError {
    static let noRole = NodeError(
        .refused, "no such role. A role is coordinator, editor or reader.")

    /// - Parameter verb: what can't be done, after "cannot".
    init(onlyCoordinatorsMay verb: String, _ members: [Member]) {
        let names = members.filter(\.isCoordinating).map(\.name)
        let whom =
            names.isEmpty
            ? "There is none left; `parley casebook show` says how to go on."
            : "Ask \(names.joined(separator: " or "))."
        self.init(.notPermitted, "cannot \(verb): only coordinators may. \(whom)")
    }
}

extension ReadScope {
    /// The ends of a node's logs, some of them at typed changes.
    fileprivate func acceptedTips(
        of node: NodeID, until changes: [String]
    ) throws -> [Clock.Entry] {
        var tips = Dictionary(
            uniqueKeysWithValues: try acceptedTips(of: node).map { ($0.origin, $0) })
        for typed in changes {
            let dot = try change(typed, of: node)
            tips[dot.origin] = Clock.Entry(origin: dot.origin, tip: dot.tip)
        }
        return tips.values.sorted { $0.origin < $1.origin }
    }

    private func change(_ typed: String, of node: NodeID) throws -> Dot {
        guard let pattern = DotPattern(typed) else { throw NodeError.noChange }
        let dots = try dots(matching: pattern).filter { $0.origin.node == node }
        guard let dot = dots.first else {
            throw NodeError(
                .notFound,
                "no change `\(typed)` by that member here. `parley log` shows changes with their names."
            )
        }
        guard dots.count == 1 else {
            let names = dots.map { "`\($0.longText)`" }.joined(separator: ", ")
            throw NodeError(
                .refused, "`\(typed)` is the beginning of several changes: \(names). Type more.")
        }
        return dot
    }
}
