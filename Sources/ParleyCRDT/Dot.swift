/// The name of one change: its origin, its place in that log, and the hash that says which branch.
///
/// In a log without a fork, origin and sequence number alone are unique and the hash is redundant;
/// the wire leaves it out there. In memory it is always present, so that state never needs a
/// second form when a fork turns up later.
package struct Dot: Hashable, Comparable, Sendable {
    package let origin: Origin
    /// Counts from 1 within the origin's log.
    package let sequence: UInt64
    package let hash: HashPrefix

    package init(origin: Origin, sequence: UInt64, hash: HashPrefix) {
        self.origin = origin
        self.sequence = sequence
        self.hash = hash
    }

    package var tip: Tip { Tip(sequence: sequence, hash: hash) }

    package static func < (left: Dot, right: Dot) -> Bool {
        left.origin == right.origin ? left.tip < right.tip : left.origin < right.origin
    }
}

/// The end of a run of changes of one origin, by position and hash.
package struct Tip: Hashable, Comparable, Sendable {
    package let sequence: UInt64
    package let hash: HashPrefix

    package init(sequence: UInt64, hash: HashPrefix) {
        self.sequence = sequence
        self.hash = hash
    }

    package static func < (left: Tip, right: Tip) -> Bool {
        left.sequence == right.sequence ? left.hash < right.hash : left.sequence < right.sequence
    }
}

/// Consecutive changes of one origin, on whatever branch.
package struct ChangeRange: Hashable, Sendable {
    package let origin: Origin
    /// The first and the last sequence number.
    package let sequences: ClosedRange<UInt64>

    package init(origin: Origin, sequences: ClosedRange<UInt64>) {
        self.origin = origin
        self.sequences = sequences
    }
}
