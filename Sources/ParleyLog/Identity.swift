import Crypto
import FoundationEssentials
package import ParleyCRDT

/// A node's key pair. The same key signs its log and authenticates its TLS certificate, so there
/// is one identity and nothing to map.
package struct Identity: Sendable {
    /// `nil` where only the node is known: its key is locked away.
    private let key: Curve25519.Signing.PrivateKey?
    package let node: NodeID

    private init(_ key: Curve25519.Signing.PrivateKey) {
        self.key = key
        guard let node = NodeID(bytes: Array(key.publicKey.rawRepresentation)) else {
            preconditionFailure("an Ed25519 public key has 32 bytes")
        }
        self.node = node
    }

    /// A node that can be read for and can't sign.
    package init(locked node: NodeID) {
        key = nil
        self.node = node
    }

    /// Whether it can't sign.
    package var isLocked: Bool { key == nil }

    private var unlocked: Curve25519.Signing.PrivateKey {
        guard let key else { preconditionFailure("a locked key is unlocked before it is used") }
        return key
    }

    /// Draws a new key from the system's random numbers.
    package static func generate() -> Identity {
        Identity(Curve25519.Signing.PrivateKey())
    }

    /// - Parameter privateKey: the 32 bytes of RFC 8032's secret key.
    /// - Returns: `nil` unless they are a key.
    package init?(privateKey: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: privateKey) else {
            return nil
        }
        self.init(key)
    }

    /// The 32 secret bytes, for the key file and the TLS certificate.
    ///
    /// - Precondition: it isn't locked.
    package var privateKey: [UInt8] { Array(unlocked.rawRepresentation) }

    /// - Returns: a 64-byte Ed25519 signature.
    /// - Precondition: it isn't locked.
    package func sign(_ message: [UInt8]) -> [UInt8] {
        guard let signature = try? unlocked.signature(for: message) else {
            preconditionFailure("Ed25519 signing has no failing input")
        }
        return Array(signature)
    }
}

extension NodeID {
    /// Whether `signature` is this node's over `message`.
    package func verifies(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else {
            return false
        }
        return key.isValidSignature(signature, for: message)
    }
}
