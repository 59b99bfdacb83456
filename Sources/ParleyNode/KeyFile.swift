import ParleyCRDT
import ParleyLog
import ParleyVault

/// A node's key as it lies in `node.key`.
enum KeyFile {
    /// The 32 secret bytes themselves: whoever reads the file is the node.
    case plain(Identity)
    /// Sealed under a passphrase; whose key it is can be read.
    case protected(node: NodeID, sealed: [UInt8])

    /// - Throws: `foreign` where this is no key, `version` where a newer Parley wrote it; `cost`,
    ///   `cut`.
    init(_ bytes: [UInt8]) throws(SealError) {
        if let identity = Identity(privateKey: bytes) {
            self = .plain(identity)
            return
        }
        let header = try SealedHeader(bytes, kind: .key)
        guard let node = NodeID(bytes: header.label) else { throw .foreign }
        self = .protected(node: node, sealed: bytes)
    }

    var node: NodeID {
        switch self {
        case .plain(let identity): identity.node
        case .protected(let node, _): node
        }
    }
}
