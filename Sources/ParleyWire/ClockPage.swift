package import ParleyCRDT

/// Entries of the sender's held clock: those that moved, or page by page the whole of it.
package struct ClockPage: Hashable, Sendable {
    package let casebook: Int
    /// Forget all that was remembered of the sender's clock; these entries begin it anew.
    package let replacesAll: Bool
    /// More pages of the same answer follow.
    package let moreFollow: Bool
    /// Sorted by origin.
    package let entries: [Clock.Entry]

    package init(casebook: Int, replacesAll: Bool, moreFollow: Bool, entries: [Clock.Entry]) {
        self.casebook = casebook
        self.replacesAll = replacesAll
        self.moreFollow = moreFollow
        self.entries = entries
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(casebook)
        writer.u8((replacesAll ? 1 : 0) | (moreFollow ? 2 : 0))
        writer.clockEntries(entries)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        casebook = try reader.casebook()
        let position = reader.offset
        let flags = try reader.u8()
        guard flags & ~3 == 0 else { throw WireError(.reservedBits, offset: position) }
        replacesAll = flags & 1 != 0
        moreFollow = flags & 2 != 0
        entries = try reader.clockEntries()
    }
}
