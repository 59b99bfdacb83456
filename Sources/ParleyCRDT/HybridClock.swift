/// A reading of a hybrid clock: 48 bits of milliseconds since 1970, then a 16-bit counter.
///
/// It orders lists and history. It never decides which of two concurrent values survives.
package struct HybridTime: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Milliseconds beyond 48 bits count as the last that fits, lest a broken wall clock read as
    /// 1970.
    package init(milliseconds: UInt64, counter: UInt16 = 0) {
        self.rawValue = min(milliseconds, HybridTime.last.milliseconds) << 16 | UInt64(counter)
    }

    /// The highest reading there is, in the year 10889.
    package static let last = HybridTime(rawValue: .max)

    /// Milliseconds since 1970-01-01T00:00:00Z.
    package var milliseconds: UInt64 { rawValue >> 16 }
    package var counter: UInt16 { UInt16(truncatingIfNeeded: rawValue) }

    package static func < (left: HybridTime, right: HybridTime) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Makes readings that increase strictly on one node and follow what peers have shown.
///
/// Source: Kulkarni et al., "Logical Physical Clocks" (2014). We differ in that a peer's reading
/// moves ours by at most five minutes past our wall clock: a wrong clock must not be contagious.
package struct HybridClock: Hashable, Sendable {
    /// How far past our own wall clock a peer's reading may move us, in milliseconds.
    package static let maximumLeadMilliseconds: UInt64 = 5 * 60 * 1000

    /// The highest reading made or accepted so far; persisted with every change.
    package private(set) var mark: HybridTime

    package init(mark: HybridTime = HybridTime(rawValue: 0)) {
        self.mark = mark
    }

    /// Makes the next reading, above every earlier one.
    ///
    /// A wall clock that stands still or jumped back continues from the mark; a counter that
    /// overflows borrows a millisecond, because the two fields are one number. Only after the last
    /// reading there is does the clock stand still rather than stop its node.
    package mutating func tick(wallMilliseconds: UInt64) -> HybridTime {
        let wall = HybridTime(milliseconds: wallMilliseconds)
        let next = mark == .last ? mark : HybridTime(rawValue: mark.rawValue + 1)
        mark = max(wall, next)
        return mark
    }

    /// Takes note of a peer's reading.
    ///
    /// - Returns: whether it lay within the allowed lead; a wilder change is applied all the same
    ///   and flagged by the caller.
    package mutating func observe(_ time: HybridTime, wallMilliseconds: UInt64) -> Bool {
        let wall = min(wallMilliseconds, HybridTime.last.milliseconds)
        #if DEBUG
            if PlantedDefect.leadInOtherUnit.isPlanted {
                mark = max(mark, time)
                return time.milliseconds <= wall + HybridClock.maximumLeadMilliseconds * 1000
            }
        #endif
        let limit = HybridTime(
            milliseconds: wall + HybridClock.maximumLeadMilliseconds, counter: .max)
        guard time <= limit else { return false }
        mark = max(mark, time)
        return true
    }
}
