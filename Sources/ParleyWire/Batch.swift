package import ParleyCRDT
package import ParleyModel

/// A run of consecutive changes of one origin, with the signature of the last: the unit on the wire
/// and on disk.
///
/// The changes are stored by columns rather than one after the other. What a change says most is
/// what the one before said too - the same fields, the same shape, a time a little later - so each
/// kind of datum has a column of its own with the encoding that suits it, and one deflate stream
/// over all of them finds what is left. Hashes never cover these bytes: they cover the canonical
/// bytes of the changes, and a node may pack the same changes into other runs.
/// Specification: Protocol/parley-1.md "Batches"
package struct Batch: Hashable, Sendable {
    package static let signatureBytes = 64

    package let origin: Origin
    /// Sequence number of the first change.
    package let first: UInt64
    /// Hash of the change before the first, where several branches are about and the number alone
    /// doesn't tell which one this continues.
    package let previous: HashPrefix?
    /// Signature of the head: the last change of the batch.
    package let signature: [UInt8]
    /// In order of sequence, without gaps, at least one.
    package let changes: [Change]
    /// Cover all changes in order.
    package let salts: [SaltRun]

    package init(
        origin: Origin, first: UInt64, previous: HashPrefix? = nil, signature: [UInt8],
        changes: [Change], salts: [SaltRun]
    ) {
        precondition(signature.count == Batch.signatureBytes)
        self.origin = origin
        self.first = first
        self.previous = previous
        self.signature = signature
        self.changes = changes
        self.salts = salts
    }

    /// Sequence number of the last change.
    package var last: UInt64 { first + UInt64(changes.count - 1) }
}
