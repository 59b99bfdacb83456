/// The hashes of consecutive changes of one log.
package struct LogRun: Hashable, Sendable {
    package let origin: Origin
    /// The sequence number of the first.
    package let first: UInt64
    package let hashes: [Digest]

    package init(origin: Origin, first: UInt64, hashes: [Digest]) {
        self.origin = origin
        self.first = first
        self.hashes = hashes
    }

    /// - Returns: `nil` where the change isn't one of these.
    package func hash(of sequence: UInt64, in origin: Origin) -> Digest? {
        guard self.origin == origin, first <= sequence, sequence - first < UInt64(hashes.count)
        else { return nil }
        return hashes[Int(sequence - first)]
    }
}
