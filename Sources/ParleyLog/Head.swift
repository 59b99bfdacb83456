package import ParleyCRDT
import ParleyWire

/// What an origin signs: the end of a run of its log. One signature vouches for all before it.
package struct Head: Hashable, Sendable {
    package let casebook: Digest
    package let origin: Origin
    package let sequence: UInt64
    package let hash: Digest

    package init(casebook: Digest, origin: Origin, sequence: UInt64, hash: Digest) {
        self.casebook = casebook
        self.origin = origin
        self.sequence = sequence
        self.hash = hash
    }

    package func signature(by identity: Identity) -> [UInt8] {
        identity.sign(message)
    }

    package func isSigned(with signature: [UInt8]) -> Bool {
        origin.node.verifies(signature, over: message)
    }

    /// Specification: Protocol/parley-1.md "Heads"
    private var message: [UInt8] {
        var writer = ByteWriter()
        writer.raw(Array("parley-1 head\0".utf8))
        writer.digest(casebook)
        writer.origin(origin)
        writer.u64(sequence)
        writer.digest(hash)
        return writer.bytes
    }
}
