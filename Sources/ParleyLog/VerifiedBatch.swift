package import ParleyCRDT
import ParleyModel
package import ParleyWire

/// A batch whose chain and signature have been checked: the only form in which a store takes one.
package struct VerifiedBatch: Sendable {
    /// As received: stored and passed on without a byte changed.
    package let bytes: [UInt8]
    package let batch: Batch
    package let casebook: Digest
    /// The hash of the change before the first.
    package let previous: Digest
    /// The hash of each change, in order.
    package let hashes: [Digest]

    package var origin: Origin { batch.origin }
    package var first: UInt64 { batch.first }
    package var last: UInt64 { batch.last }

    package var run: LogRun { LogRun(origin: origin, first: first, hashes: hashes) }

    /// Decodes a batch and checks that its origin signed exactly these changes after `previous`.
    ///
    /// - Parameter previous: the hash of the change before the first; zero at the start of a log.
    /// - Throws: `malformed`, `wrongPredecessor`, `saltMissing`, `wrongSignature`, `wrongFounding`.
    /// - Complexity: one hash per group and change, one signature check per batch.
    package init(
        bytes: [UInt8], casebook: Digest, previous: Digest
    ) throws(LogError) {
        let batch: Batch
        do {
            batch = try Batch.decode(bytes)
        } catch {
            throw LogError(.malformed(error))
        }
        if let expected = batch.previous, expected != previous.prefix {
            throw LogError(.wrongPredecessor, origin: batch.origin)
        }
        let hashes = try VerifiedBatch.hashes(of: batch, after: previous)
        let head = Head(
            casebook: casebook, origin: batch.origin,
            sequence: batch.last, hash: hashes[hashes.count - 1])
        var isSigned = head.isSigned(with: batch.signature)
        #if DEBUG
            if PlantedDefect.signatureUnchecked.isPlanted { isSigned = true }
        #endif
        guard isSigned else { throw LogError(.wrongSignature, origin: batch.origin) }
        for (change, hash) in zip(batch.changes, hashes)
        where change.groups.contains(where: { $0.kind == .founding }) {
            guard hash == casebook, change.sequence == 1 else {
                throw LogError(.wrongFounding, origin: batch.origin)
            }
        }
        self.bytes = bytes
        self.batch = batch
        self.casebook = casebook
        self.previous = previous
        self.hashes = hashes
    }

    /// Takes a batch this node has just made and signed; nothing is checked again.
    package init(
        trusting batch: Batch, bytes: [UInt8], casebook: Digest, previous: Digest, hashes: [Digest]
    ) {
        self.bytes = bytes
        self.batch = batch
        self.casebook = casebook
        self.previous = previous
        self.hashes = hashes
    }

    /// The chained hash of each change of a batch.
    package static func hashes(
        of batch: Batch, after previous: Digest
    ) throws(LogError) -> [Digest] {
        var hasher = ChangeHasher()
        var hashes: [Digest] = []
        hashes.reserveCapacity(batch.changes.count)
        var last = previous
        for (change, salts) in zip(batch.changes, batch.changeSalts) {
            last = try hasher.hash(change, previous: last, salts: salts)
            hashes.append(last)
        }
        return hashes
    }
}
