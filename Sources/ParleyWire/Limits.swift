/// Every number that bounds foreign input in the formats of this module, with its reason.
///
/// Specification: Protocol/parley-1.md "Limits".
package enum Limits {
    /// A frame's tag and payload. Holds the largest batch, and bounds what a peer can make us hold.
    package static let frameBytes = 512 * 1024
    /// The same before the peer is known: a join or a ticket, nothing larger.
    package static let unauthenticatedFrameBytes = 1024
    /// A batch as stored and sent: a frame less room for what a message puts before it.
    package static let batchBytes = frameBytes - 16
    /// A batch's columns after inflating, checked while inflating.
    package static let inflatedBytes = 512 * 1024
    /// A batch's columns before deflate, its salts apart: what one transaction step decodes at once.
    package static let columnBytes = 256 * 1024
    /// The changes of one batch.
    package static let changesPerBatch = 1024
    /// The groups, operations, values, dropped dots and context tips of one batch, each. Columns
    /// can say "a million of the same" in three bytes, so what they expand to needs its own bound.
    package static let itemsPerBatch = 65_536
    /// Words in one column of texts, for the same reason.
    package static let wordsPerColumn = 512 * 1024
    /// The sizes of a batch's changes together, for the same reason.
    package static let expandedBytesPerBatch = 4 * 1024 * 1024
    /// The salts that a batch's digests need: after an erasure they are listed one by one, which
    /// takes up to 23 bytes each, and a batch must still be one then.
    package static let saltsPerBatch = 11_000
    /// The size of one change: what must fit in memory whole, whoever wrote it.
    package static let changeBytes = 128 * 1024
    /// One text value, or the payload of one group.
    package static let valueBytes = 64 * 1024
    /// Groups in one change; references to records pack the index into twelve bits.
    package static let groupsPerChange = 4096
    /// Tips in a clock or in one change's context.
    package static let tips = 4096
    /// Origins in a whole clock, over all pages of a message: as many logs as a casebook can hold.
    package static let clockOrigins = 32_768
    /// Milliseconds of a hybrid time.
    package static let milliseconds: UInt64 = 1 << 48
    /// The text of a close: one sentence for the other side's log.
    package static let closeTextBytes = 200
    /// A member's or casebook's name.
    package static let nameBytes = 200
    /// A peer's address, `HOST:PORT`.
    package static let addressBytes = 260
    /// Casebooks named in a hello.
    package static let casebooks = 1024
    /// Of batches sent to one peer and not yet acknowledged as durable, in all casebooks.
    package static let unacknowledgedBytesPerPeer = 4 * 1024 * 1024
    /// The same to all peers together: what a node with many peers may have under way.
    package static let unacknowledgedBytes = 32 * 1024 * 1024
}
