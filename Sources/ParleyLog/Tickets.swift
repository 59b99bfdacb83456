package import ParleyCRDT
package import ParleyWire

extension Ticket {
    /// A coordinator's word that a node has been admitted, for members who don't know it yet.
    package static func signed(
        casebook: Digest, node: NodeID, role: Role, admission: Dot, by coordinator: Identity
    ) -> Ticket {
        let unsigned = Ticket(
            casebook: casebook, node: node, role: role, admission: admission,
            coordinator: coordinator.node,
            signature: [UInt8](repeating: 0, count: Ticket.signatureBytes))
        return Ticket(
            casebook: casebook, node: node, role: role, admission: admission,
            coordinator: coordinator.node, signature: coordinator.sign(unsigned.signedBytes))
    }

    /// Whether the coordinator it names really signed it. Whether that node *is* a coordinator is
    /// for the log to say.
    package var isSigned: Bool {
        coordinator.verifies(signature, over: signedBytes)
    }
}
