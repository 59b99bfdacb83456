package import ParleyCRDT
package import ParleyModel

/// Opens a casebook and names its first coordinator, who is the change's author.
///
/// Specification: Protocol/parley-1.md "System payloads"
package struct Founding: Hashable, Sendable {
    package static let nonceBytes = 16

    /// Random: two casebooks founded alike still have different IDs.
    package let nonce: [UInt8]
    package let casebookName: String
    package let memberName: String
    package let schemaName: String
    package let schemaVersion: UInt64

    package init(
        nonce: [UInt8], casebookName: String, memberName: String, schemaName: String,
        schemaVersion: UInt64
    ) {
        precondition(nonce.count == Founding.nonceBytes)
        self.nonce = nonce
        self.casebookName = casebookName
        self.memberName = memberName
        self.schemaName = schemaName
        self.schemaVersion = schemaVersion
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.varint(1)
        writer.raw(nonce)
        writer.text(casebookName)
        writer.text(memberName)
        writer.text(schemaName)
        writer.varint(schemaVersion)
        return writer.bytes
    }

    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        _ = try reader.varint(in: 1...1, .version)
        nonce = try reader.raw(Founding.nonceBytes)
        casebookName = try reader.text(limit: Limits.nameBytes)
        memberName = try reader.text(limit: Limits.nameBytes)
        schemaName = try reader.text(limit: Limits.nameBytes)
        schemaVersion = try reader.varint()
        try reader.finish()
    }
}

/// Admits a node, or gives a member another role or name.
package struct Admission: Hashable, Sendable {
    package let node: NodeID
    package let role: Role
    package let name: String

    package init(node: NodeID, role: Role, name: String) {
        self.node = node
        self.role = role
        self.name = name
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.node(node)
        writer.u8(role.rawValue)
        writer.text(name)
        return writer.bytes
    }

    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        node = try reader.node()
        role = try reader.role()
        name = try reader.text(limit: Limits.nameBytes)
        try reader.finish()
    }
}

/// Ends a member's logs: what lies beyond the named tips is void.
package struct Cut: Hashable, Sendable {
    package let node: NodeID
    /// The last accepted tips of the node's logs, sorted by origin, all of that node. A log of its
    /// that isn't named here is void from its beginning.
    package let accepted: [Clock.Entry]

    package init(node: NodeID, accepted: [Clock.Entry]) {
        self.node = node
        self.accepted = accepted
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.node(node)
        writer.clockEntries(accepted)
        return writer.bytes
    }

    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let node = try reader.node()
        let position = reader.offset
        let accepted = try reader.clockEntries()
        guard accepted.allSatisfy({ $0.origin.node == node }) else {
            throw WireError(.outOfRange(.origin), offset: position)
        }
        try reader.finish()
        self.init(node: node, accepted: accepted)
    }
}

/// Erases a record everywhere, for the reason given.
package struct Erasure: Hashable, Sendable {
    package let record: RecordReference
    /// UTF-8: on what basis, in the coordinator's words.
    package let basis: String

    package init(record: RecordReference, basis: String) {
        self.record = record
        self.basis = basis
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.record(record)
        writer.text(basis)
        return writer.bytes
    }

    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        record = try reader.record()
        basis = try reader.text(limit: Limits.valueBytes)
        try reader.finish()
    }
}

/// Takes back what a sensitive field of a record said, for the reason given: every value that was
/// written without knowledge of this.
package struct Redaction: Hashable, Sendable {
    package let record: RecordReference
    package let field: FieldName
    /// UTF-8: on what basis, in the coordinator's words.
    package let basis: String

    package init(record: RecordReference, field: FieldName, basis: String) {
        self.record = record
        self.field = field
        self.basis = basis
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.record(record)
        writer.text(field.text)
        writer.text(basis)
        return writer.bytes
    }

    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        record = try reader.record()
        let position = reader.offset
        guard let field = FieldName(bytes: try reader.bytes()) else {
            throw WireError(.nameMalformed, offset: position)
        }
        self.field = field
        basis = try reader.text(limit: Limits.valueBytes)
        try reader.finish()
    }
}

/// Says that the author's node has carried out an erasure or a redaction.
package struct Receipt: Hashable, Sendable {
    package let erasure: DotReference

    package init(erasure: DotReference) {
        self.erasure = erasure
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.reference(erasure)
        return writer.bytes
    }

    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        erasure = try reader.reference()
        try reader.finish()
    }
}
