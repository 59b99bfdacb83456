import ParleyCRDT
import ParleyLog
import ParleyVault

/// A node's key as it lies in `node.key`.
///
/// - Specification: Protocol/backup-1.md §6
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

    /// Seals a key.
    init(sealing identity: Identity, with passphrase: Passphrase) throws(SealError) {
        var writer = try SealedWriter(.key, label: identity.node.bytes, passphrase: passphrase)
        let sealed = writer.header + writer.append(identity.privateKey) + writer.finish()
        self = .protected(node: identity.node, sealed: sealed)
    }

    var isProtected: Bool { if case .protected = self { true } else { false } }

    var node: NodeID {
        switch self {
        case .plain(let identity): identity.node
        case .protected(let node, _): node
        }
    }

    /// What to write into the file.
    var bytes: [UInt8] {
        switch self {
        case .plain(let identity): identity.privateKey
        case .protected(_, let sealed): sealed
        }
    }

    /// - Throws: `passphrase`, `altered`, `cut`, `cost`.
    func opened(with passphrase: Passphrase) throws(SealError) -> Identity {
        guard case .protected(let node, let sealed) = self else {
            preconditionFailure("only a protected key is opened")
        }
        let secret = try SealedReader.open(.key, sealed, passphrase: passphrase)
        guard let identity = Identity(privateKey: secret), identity.node == node else {
            throw .altered
        }
        return identity
    }
}
