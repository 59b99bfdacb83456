package import ParleyCRDT

/// Asks for a run of one origin's changes again: after a damaged page, or for a stub that no
/// erasure explains.
package struct Want: Hashable, Sendable {
    package let casebook: Int
    package let origin: Origin
    /// First and last sequence number, both included.
    package let sequences: ClosedRange<UInt64>

    package init(casebook: Int, origin: Origin, sequences: ClosedRange<UInt64>) {
        self.casebook = casebook
        self.origin = origin
        self.sequences = sequences
    }

    func encode(into writer: inout ByteWriter) {
        writer.varint(casebook)
        writer.origin(origin)
        writer.varint(sequences.lowerBound)
        writer.varint(sequences.upperBound)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        casebook = try reader.casebook()
        origin = try reader.origin()
        let first = try reader.sequence()
        sequences = first...(try reader.varint(in: first...UInt64.max, .sequence))
    }
}
