package import ParleyCRDT

/// The one frame an unknown key may send: the secret of an invitation and the name to go by.
package struct Join: Hashable, Sendable {
    package static let secretBytes = 16

    package let casebook: Digest
    /// Sixteen random bytes from the invitation, good once.
    package let secret: [UInt8]
    package let name: String

    package init(casebook: Digest, secret: [UInt8], name: String) {
        precondition(secret.count == Join.secretBytes)
        self.casebook = casebook
        self.secret = secret
        self.name = name
    }

    func encode(into writer: inout ByteWriter) {
        writer.digest(casebook)
        writer.raw(secret)
        writer.text(name)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        casebook = try reader.digest()
        secret = try reader.raw(Join.secretBytes)
        name = try reader.text(limit: Limits.nameBytes)
    }
}
