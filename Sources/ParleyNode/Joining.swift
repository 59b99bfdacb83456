import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTransport
import ParleyWire

/// How nodes become members: invitations on one side, joins on the other.
struct Joining: Sendable {
    let shelf: Shelf

    /// Makes an invitation and notes the hash of its secret.
    func invite(
        to store: CasebookStore, role: Role, expiresSeconds: Int, address: String
    ) async throws -> Invitation {
        let secret = shelf.environment.randomBytes(Invitation.secretByteCount)
        let expires = shelf.environment.wallMilliseconds() + UInt64(expiresSeconds) * 1000
        try await store.write { scope in
            try scope.addInvitation(secret: secret, role: role, expires: expires)
        }
        return Invitation(
            casebook: store.casebookID, inviter: shelf.identity.node, secret: secret,
            expires: expires, address: address)
    }

    /// Whether a ticket speaks for the node that shows it. The admission itself is in the log of who
    /// signed, which that node holds and sends like any other.
    func accepts(_ ticket: Ticket, from peer: NodeID) -> Bool {
        guard ticket.node == peer, ticket.isSigned else { return false }
        return shelf.receive(guest: peer, by: ticket.coordinator, of: ticket.casebook)
    }

    /// Admits a stranger who knows a secret that is still good: the secret is consumed in the
    /// transaction that writes the admission.
    func admit(_ join: Join, from peer: NodeID) async -> Ticket? {
        guard let store = shelf.store(join.casebook) else { return nil }
        let identity = shelf.identity
        let admitted = try? await store.write { scope -> (role: Role, dot: Dot) in
            let role = try scope.consumeInvitation(secret: join.secret, by: peer)
            let admission = Admission(node: peer, role: role, name: join.name)
            return (role, try scope.admit(admission).dot)
        }
        guard let admitted else { return nil }
        return Ticket.signed(
            casebook: join.casebook, node: peer, role: admitted.role, admission: admitted.dot,
            by: identity)
    }
}
