package import ParleyCRDT

/// A coordinator's signed word that a key was admitted, for members who haven't heard of it yet.
package struct Ticket: Hashable, Sendable {
    package static let signatureBytes = 64
    /// What the signature covers begins with this, so that it can't be taken for another one.
    package static let domain = Array("parley-1 ticket\0".utf8)

    package let casebook: Digest
    /// The admitted key.
    package let node: NodeID
    package let role: Role
    /// The change that admits it.
    package let admission: Dot
    /// Whose signature this bears.
    package let coordinator: NodeID
    package let signature: [UInt8]

    package init(
        casebook: Digest, node: NodeID, role: Role, admission: Dot, coordinator: NodeID,
        signature: [UInt8]
    ) {
        precondition(signature.count == Ticket.signatureBytes)
        self.casebook = casebook
        self.node = node
        self.role = role
        self.admission = admission
        self.coordinator = coordinator
        self.signature = signature
    }

    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try self.init(from: &reader)
        try reader.finish()
    }

    package var encoded: [UInt8] { body + signature }

    /// What the coordinator signs.
    package var signedBytes: [UInt8] { Ticket.domain + body }

    /// Everything before the signature.
    private var body: [UInt8] {
        var writer = ByteWriter(capacity: 192)
        writer.digest(casebook)
        writer.node(node)
        writer.u8(role.rawValue)
        writer.origin(admission.origin)
        writer.tip(admission.tip)
        writer.node(coordinator)
        return writer.bytes
    }

    init(from reader: inout ByteReader) throws(WireError) {
        casebook = try reader.digest()
        node = try reader.node()
        role = try reader.role()
        let origin = try reader.origin()
        let tip = try reader.tip()
        admission = Dot(origin: origin, sequence: tip.sequence, hash: tip.hash)
        coordinator = try reader.node()
        signature = try reader.raw(Ticket.signatureBytes)
    }
}
