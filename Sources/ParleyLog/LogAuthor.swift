package import ParleyCRDT
package import ParleyModel
import ParleyWire

/// Makes signed runs of this node's own log.
package struct LogAuthor: Sendable {
    package let identity: Identity
    package let origin: Origin

    package init(identity: Identity, epoch: UInt64) {
        self.identity = identity
        origin = Origin(node: identity.node, epoch: epoch)
    }

    /// Chains, signs and encodes a run of changes.
    ///
    /// - Parameters:
    ///   - changes: consecutive changes of this origin, at least one.
    ///   - casebook: `nil` for the founding change, whose own hash becomes the casebook's ID.
    ///   - previous: the hash of the change before the first; zero at the start of the log.
    ///   - seed: 16 random bytes from which the salts follow; drawn anew at least every 1,024
    ///     changes.
    /// - Throws: `malformed` where the changes pass a limit of the format.
    package func run(
        of changes: [Change], casebook: Digest?, previous: Digest, seed: [UInt8]
    ) throws(LogError) -> VerifiedBatch {
        precondition(!changes.isEmpty, "a run holds at least one change")
        var hasher = ChangeHasher()
        var hashes: [Digest] = []
        var last = previous
        for change in changes {
            last = try hasher.hash(change, previous: last, salts: .seed(seed))
            hashes.append(last)
        }
        let head = Head(
            casebook: casebook ?? last, origin: origin,
            sequence: changes[changes.count - 1].sequence, hash: last)
        let batch = Batch(
            origin: origin, first: changes[0].sequence, previous: nil,
            signature: head.signature(by: identity), changes: changes,
            salts: [.seed(changes: changes.count, seed)])
        do {
            let bytes = try batch.encoded(compress: true)
            return VerifiedBatch(
                trusting: batch, bytes: bytes, casebook: casebook ?? last, previous: previous,
                hashes: hashes)
        } catch {
            throw LogError(.malformed(error), origin: origin)
        }
    }
}
