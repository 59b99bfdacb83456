/// A change of a log and its whole hash, which the next one follows.
package struct LogEnd: Hashable, Sendable {
    package let origin: Origin
    package let sequence: UInt64
    package let hash: Digest

    package init(origin: Origin, sequence: UInt64, hash: Digest) {
        self.origin = origin
        self.sequence = sequence
        self.hash = hash
    }
}
