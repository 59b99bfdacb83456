/// A reading of a monotonic clock, handed in with every event: sessions own no clock.
package struct Moment: Hashable, Comparable, Sendable {
    /// Milliseconds since an arbitrary start that is the same for a whole run.
    package let milliseconds: UInt64

    package init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    package func advanced(byMilliseconds duration: UInt64) -> Moment {
        Moment(milliseconds: milliseconds + duration)
    }

    package static func < (left: Moment, right: Moment) -> Bool {
        left.milliseconds < right.milliseconds
    }
}
