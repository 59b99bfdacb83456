package import ParleyCRDT

/// Where a member was last reached. Kept locally, never logged: a log of places is dangerous.
package struct PeerAddress: Hashable, Sendable {
    package let node: NodeID
    /// When that was, in milliseconds since 1970.
    package let seenMilliseconds: UInt64
    /// `HOST:PORT`.
    package let address: String

    package init(node: NodeID, seenMilliseconds: UInt64, address: String) {
        self.node = node
        self.seenMilliseconds = seenMilliseconds
        self.address = address
    }

    func encode(into writer: inout ByteWriter) {
        writer.node(node)
        writer.varint(seenMilliseconds)
        writer.text(address)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        node = try reader.node()
        seenMilliseconds = try reader.varint(in: 0...Limits.milliseconds - 1, .time)
        address = try reader.text(limit: Limits.addressBytes)
    }
}
