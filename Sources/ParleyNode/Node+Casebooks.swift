import ParleyCRDT
import ParleyCasework
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTransport
import ParleyWire

/// Casebooks and who belongs to them.
extension Node {
    func createCasebook(name: String) async throws -> Response {
        guard Home.isName(name) else {
            throw NodeError(
                .refused,
                "cannot use that name: a name has 1 to 64 characters, without line breaks and other control characters. Type `parley casebook create NAME`."
            )
        }
        let existing = try await names(of: shelf.stores())
        guard !existing.contains(name) else {
            throw NodeError(
                .refused,
                "cannot make the casebook: one of that name is here already. Choose another name.")
        }
        let store = try await CasebookStore.found(
            at: home.newCasebookPath(), name: name, memberName: home.name(), identity: identity,
            environment: shelf.environment)
        try await shelf.place(store)
        do {
            return Response(json: try await describe(store).text)
        } catch {
            throw NodeError(
                having: "the casebook was made", butNotShown: "`parley casebook list`", error)
        }
    }

    /// The casebook a request is about: the one named, or the only one.
    ///
    /// - Throws: `notFound` with the names to choose from where that isn't clear, `refused` where
    ///   several have the name.
    func casebook(_ name: String?) async throws -> CasebookStore {
        let stores = await shelf.stores()
        guard let name else { return try await onlyCasebook(of: stores) }
        var named: [CasebookStore] = []
        for store in stores where try await store.read({ try $0.summary().name }) == name {
            named.append(store)
        }
        if named.isEmpty, name.count >= 4 {
            named = stores.filter { $0.casebookID.bytes.hex.hasPrefix(name.lowercased()) }
        }
        guard named.count <= 1 else {
            let digits = named.map { String($0.casebookID.bytes.hex.prefix(16)) }
            throw NodeError(
                .refused,
                "`\(name)` could be the casebook \(digits.joined(separator: " or ")). Give as many of its digits instead, with --casebook or PARLEY_CASEBOOK, as tell them apart."
            )
        }
        guard let store = named.first else {
            if let problem = shelf.unopened.first?.error {
                throw NodeError(
                    problem.kind,
                    "no casebook `\(name)` among those that could be opened. It may be this one: \(problem.message)"
                )
            }
            throw NodeError(
                .notFound,
                "no casebook `\(name)` here. Type `parley casebook list` for the names.")
        }
        return store
    }

    private func onlyCasebook(of stores: [CasebookStore]) async throws -> CasebookStore {
        if let problem = shelf.unopened.first?.error {
            guard !stores.isEmpty else { throw problem }
            throw NodeError(
                problem.kind, problem.message + " Others can be used: name one with --casebook.")
        }
        if stores.count == 1 { return stores[0] }
        guard !stores.isEmpty else {
            throw NodeError(
                .notFound,
                "no casebook here yet. Type `parley casebook create NAME`, or `parley join CODE` with an invitation."
            )
        }
        let names = try await names(of: stores)
        throw NodeError(
            .notFound,
            "which casebook? There are \(names.joined(separator: ", ")). Add --casebook NAME, or set PARLEY_CASEBOOK."
        )
    }

    private func names(of stores: [CasebookStore]) async throws -> [String] {
        var names: [String] = []
        for store in stores { names.append(try await store.read { try $0.summary().name }) }
        return names
    }

    func listCasebooks() async throws -> Response {
        var casebooks: [JSONValue] = []
        for store in await shelf.stores() { casebooks.append(try await describe(store)) }
        // No list at all would be read as that there is none.
        if casebooks.isEmpty, let problem = shelf.unopened.first?.error { throw problem }
        return Response(json: JSONText.array(casebooks))
    }

    /// `{"casebook","name","role","members"}`.
    func describe(_ store: CasebookStore) async throws -> JSONValue {
        let own = identity.node
        return try await store.read { try $0.casebookView(of: own) }
    }

    func invite(
        role: String, expiresSeconds: Int, address: String?, to store: CasebookStore
    ) async throws -> Response {
        guard let role = Role(name: role) else { throw NodeError.noRole }
        let address = try addressForInvitation(address)
        let own = identity.node
        try await store.read { try $0.requireCoordinator(own, to: "invite") }
        let invitation = try await joining.invite(
            to: store, role: role, expiresSeconds: expiresSeconds, address: address)
        return Response(
            json: JSONText.object([
                ("code", .string(invitation.text)),
                ("expires", .string(Timestamp(milliseconds: invitation.expires).text)),
            ]))
    }

    /// The address somebody typed, or where this node listens.
    private func addressForInvitation(_ typed: String?) throws -> String {
        guard let typed else {
            guard let address = network?.reachableAddress else {
                throw NodeError(
                    .refused,
                    "cannot invite: where others can reach this node isn't known here. Say it with --address HOST:PORT, for instance --address node.example:7440."
                )
            }
            return address
        }
        guard let (host, port) = HostPort.split(typed), port > 0, typed.utf8.count <= 260,
            !typed.contains(where: \.isWhitespace)
        else {
            throw NodeError(
                .refused,
                "cannot invite with the address `\(typed)`: an address is HOST:PORT, for instance node.example:7440 or [2001:db8::7]:7440."
            )
        }
        guard host != "0.0.0.0", host != "::" else {
            throw NodeError(
                .refused,
                "cannot invite with the address `\(typed)`: \(host) means every interface of a machine and leads nowhere from another. Give the name or number under which others reach this one."
            )
        }
        return typed
    }

    /// Ends the invitations made here that nobody has used.
    func withdrawInvitations(of store: CasebookStore) async throws -> Response {
        let count = try await store.write { try $0.withdrawInvitations() }
        return Response(json: JSONText.object([("withdrawn", .integer(count))]))
    }

    /// Joins with an invitation; returns once admitted and the founding change is held.
    func join(code: String) async throws -> Response {
        let invitation = try read(code)
        guard let network else {
            throw NodeError(
                .unreachable,
                "cannot join: no daemon runs on \(home.path). Start `parleyd --home \(home.path) --listen HOST:PORT`, then join again."
            )
        }
        if let store = await shelf.stores().first(where: { $0.casebookID == invitation.casebook }) {
            let own = identity.node
            guard !store.members.contains(where: { $0.node == own && $0.isRevoked }) else {
                throw NodeError(
                    .refused,
                    "cannot join: this node was revoked in that casebook, and a revoked node is never let in again. Make another with `parley init` in another home and join with that."
                )
            }
            throw NodeError(
                .refused,
                "cannot join: this node is in that casebook already. `parley casebook show` shows it; the invitation is still good for somebody else."
            )
        }
        guard shelf.room.allowsIntake else {
            throw NodeError(
                .refused,
                "cannot join: the disk has less than 256 MiB left, too little to receive a casebook. Make room, then type it again: the invitation hasn't been used."
            )
        }
        let path = home.newCasebookPath()
        let store = try CasebookStore.joining(
            at: path, casebook: invitation.casebook, identity: identity,
            environment: shelf.environment)
        do {
            try await shelf.place(store)
        } catch {
            home.removeCasebook(path)
            throw NodeError(
                .refused,
                "cannot join: this node is joining that casebook already. Wait until that has ended; `parley casebook list` shows it then."
            )
        }
        shelf.expect(invitation.inviter, in: invitation.casebook)
        defer { shelf.expectNobody(in: invitation.casebook) }
        do {
            try await network.join(
                invitation, as: home.name(), store: store, patience: environment.joinPatience)
        } catch {
            shelf.remove(invitation.casebook)
            try? await store.close()
            home.removeCasebook(path)
            throw error
        }
        await network.dialNeighbours()
        // It has been joined, whatever can be read of it.
        let name = await name(of: store)
        let role = store.members.first { $0.node == identity.node }?.role ?? .editor
        return Response(
            json: JSONText.object([
                ("casebook", .string(invitation.casebook.bytes.hex)), ("name", .string(name)),
                ("role", .string(role.name)),
            ]))
    }

    private func read(_ code: String) throws -> Invitation {
        do {
            let invitation = try Invitation(copied: code)
            guard invitation.expires > shelf.environment.wallMilliseconds() else {
                throw NodeError(
                    .refused, "cannot join: the invitation has expired. Ask for a new one.")
            }
            return invitation
        } catch InvitationError.notAnInvitation {
            throw NodeError(
                .refused,
                "cannot join: that is no invitation. One begins with parley1- and comes from `parley invite`."
            )
        } catch InvitationError.wrongPart(let number, let text) {
            throw NodeError(
                .refused,
                "cannot join: part \(number) of the invitation, `\(text)`, has a typing error. Check it against the original."
            )
        } catch InvitationError.incomplete {
            throw NodeError(
                .refused,
                "cannot join: the invitation isn't complete, or its parts are out of order. Copy it again from parley1- to its end."
            )
        }
    }
}

extension Role {
    /// As people and JSON call it.
    var name: String {
        switch self {
        case .coordinator: "coordinator"
        case .editor: "editor"
        case .reader: "reader"
        }
    }

    init?(name: String) {
        guard let role = Role.allCases.first(where: { $0.name == name }) else { return nil }
        self = role
    }
}
