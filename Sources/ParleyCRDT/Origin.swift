/// The writer of one log: a node during one epoch.
///
/// Vector clocks are only safe when no dot ever means two things. A restored backup or a copied
/// folder would break that if a node were the writer, so a fresh random epoch makes a new one.
package struct Origin: Hashable, Comparable, Sendable {
    package static let byteCount = NodeID.byteCount + 8

    package let node: NodeID
    /// 64 random bits, drawn anew whenever the node may have lost memory of what it wrote.
    package let epoch: UInt64

    package init(node: NodeID, epoch: UInt64) {
        self.node = node
        self.epoch = epoch
    }

    package static func < (left: Origin, right: Origin) -> Bool {
        left.node == right.node ? left.epoch < right.epoch : left.node < right.node
    }
}
