/// The identity of a node: its Ed25519 public key.
package struct NodeID: Hashable, Comparable, Sendable {
    package static let byteCount = Bytes32.byteCount

    package let key: Bytes32

    /// - Returns: `nil` unless exactly 32 bytes are given.
    @inlinable
    package init?(bytes: some Collection<UInt8>) {
        guard let key = Bytes32(bytes) else { return nil }
        self.key = key
    }

    package var bytes: [UInt8] { key.bytes }

    package static func < (left: NodeID, right: NodeID) -> Bool { left.key < right.key }
}
