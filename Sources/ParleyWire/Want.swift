package import ParleyCRDT

/// Asks for a run of one origin's changes again: after a damaged page, or for a stub that no
/// erasure explains.
package struct Want: Hashable, Sendable {
    package let casebook: Int
    package let range: ChangeRange

    package init(casebook: Int, range: ChangeRange) {
        self.casebook = casebook
        self.range = range
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(casebook)
        writer.origin(range.origin)
        writer.varint(range.sequences.lowerBound)
        writer.varint(range.sequences.upperBound)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        casebook = try reader.casebook()
        let origin = try reader.origin()
        let first = try reader.sequence()
        range = ChangeRange(
            origin: origin,
            sequences: first...(try reader.varint(in: first...UInt64.max, .sequence)))
    }
}
