package import ParleyCRDT
import ParleyWire

extension Clock {
    /// Sixteen bytes that are equal exactly when two clocks are: what hellos compare.
    ///
    /// Specification: Protocol/parley-1.md "Clock digest"
    package var digest: HashPrefix {
        var writer = ByteWriter()
        writer.clockEntries(entries)
        return Hashing.digest(writer.bytes).prefix
    }
}
