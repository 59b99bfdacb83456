package import ParleyCRDT
import ParleyWire

extension Clock {
    /// Sixteen bytes that are equal exactly when two clocks are: what hellos compare.
    ///
    /// Specification: Protocol/parley-1.md "Clock digest"
    package var digest: HashPrefix {
        var writer = ByteWriter()
        #if DEBUG
            if PlantedDefect.helloComparesCounters.isPlanted {
                let blind = entries.map { entry in
                    Entry(
                        origin: entry.origin,
                        tip: Tip(
                            sequence: entry.tips.map(\.sequence).max() ?? 0, hash: HashPrefix(0)))
                }
                writer.clockEntries(blind)
                return Hashing.digest(writer.bytes).prefix
            }
        #endif
        writer.clockEntries(entries)
        return Hashing.digest(writer.bytes).prefix
    }
}
