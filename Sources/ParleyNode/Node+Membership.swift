import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire

/// Who belongs to a casebook, as far as coordinators decide that after an invitation.
extension Node {
    /// Ends a member's membership for good, or moves where the work of a revoked one ends.
    ///
    /// - Parameter until: the last changes of its logs that count, as typed, `LOG:0` for none; of logs
    ///   not named here all that is applied counts or, where it is revoked, what counted before.
    func revokePeer(
        _ typed: String, until changes: [String], casebook: String?
    ) async throws -> Response {
        let store = try await self.casebook(casebook)
        let own = identity.node
        try await store.read { try $0.requireCoordinator(own, to: "revoke anybody") }
        let node = try await peer(typed, in: [store])
        try await store.write { scope in
            let ends = try scope.endsOfRevoked(node)
            guard ends == nil || !changes.isEmpty else {
                throw NodeError(
                    .refused,
                    "nothing to change: `\(typed)` is revoked already. To let in more or less of its work, add --until with the last change that counts; `parley log` shows them."
                )
            }
            let tips = try ends ?? scope.acceptedTips(of: node)
            try scope.revoke(node, keeping: scope.ending(tips, of: node, at: changes))
        }
        return try await listPeers(having: "`\(typed)` was revoked", casebook: casebook)
    }

    func setRole(
        of typed: String, to name: String, casebook: String?
    ) async throws -> Response {
        guard let role = Role(name: name) else { throw NodeError.noRole }
        let store = try await self.casebook(casebook)
        let own = identity.node
        try await store.read { try $0.requireCoordinator(own, to: "change roles") }
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
                throw NodeError(
                    .refused,
                    "nothing to change: `\(typed)` has that role already. `parley peer list` shows all roles."
                )
            }
            try scope.setRole(of: member, to: role)
        }
        return try await listPeers(having: "the role was given", casebook: casebook)
    }
}

extension NodeError {
    static let noRole = NodeError(
        .refused, "no such role. A role is coordinator, editor or reader.")
}

extension ReadScope {
    /// - Parameter verb: what can't be done otherwise, after "cannot".
    /// - Throws: `notPermitted` with whom to ask.
    func requireCoordinator(_ node: NodeID, to verb: String) throws {
        let coordinators = try members().filter(\.isCoordinating)
        guard !coordinators.contains(where: { $0.node == node }) else { return }
        let names = try coordinators.map { try name(of: $0) }
        let whom =
            names.isEmpty
            ? "There is none left; `parley casebook show` says how to go on."
            : "Ask \(names.joined(separator: " or "))."
        throw NodeError(.notPermitted, "cannot \(verb): only coordinators may. \(whom)")
    }

    /// The ends of a node's logs, some of them moved to typed changes.
    fileprivate func ending(
        _ ends: [Clock.Entry], of node: NodeID, at changes: [String]
    ) throws -> [Clock.Entry] {
        var tips = Dictionary(uniqueKeysWithValues: ends.map { ($0.origin, $0) })
        for typed in changes {
            guard let pattern = DotPattern(typed, mayPrecede: true) else {
                throw NodeError.noChange
            }
            if pattern.sequence == 0 {
                tips[try log(pattern, of: node)] = nil
            } else {
                let dot = try change(pattern, by: node)
                tips[dot.origin] = Clock.Entry(origin: dot.origin, tip: dot.tip)
            }
        }
        return tips.values.sorted { $0.origin < $1.origin }
    }

    /// The one of a node's logs whose name begins as typed.
    private func log(_ pattern: DotPattern, of node: NodeID) throws -> Origin {
        let origins = try acceptedTips(of: node).map(\.origin).filter(pattern.matches)
        guard let origin = origins.first else { throw NodeError.noChange }
        guard origins.count == 1 else {
            let shown = origins.prefix(NodeError.candidateLimit).map { "`\($0.text):0`" }
            throw NodeError(
                beginning: "that", ofSeveral: "logs", Array(shown), of: origins.count)
        }
        return origin
    }
}
