/// When to dial a peer again: "full jitter", so that a team whose network comes back doesn't dial
/// in step.
///
/// The delay is drawn from nothing up to a ceiling that doubles with every failure. A peer with
/// which the protocol was violated is left alone for at least ten minutes: the next attempt would
/// most likely end the same way, and both sides would only fill their logs.
///
/// Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
package struct Reconnector: Hashable, Sendable {
    package static let firstCeiling: Duration = .seconds(1)
    package static let lastCeiling: Duration = .seconds(5 * 60)
    package static let firstPause: Duration = .seconds(10 * 60)
    package static let lastPause: Duration = .seconds(6 * 3600)

    /// Ends without a session that worked, one after the other.
    private var failures = 0
    private var violations = 0

    package init() {}

    /// A session reached the point where both sides understood each other.
    package mutating func succeeded() {
        failures = 0
        violations = 0
    }

    /// A dial failed or a connection ended.
    ///
    /// - Parameter random: uniform over all its values.
    /// - Returns: how long to wait before the next dial.
    package mutating func failed(_ reason: CloseReason, random: UInt64) -> Duration {
        if reason.isViolation {
            violations += 1
            let ceiling = Reconnector.doubled(
                Reconnector.firstPause, times: violations, atMost: Reconnector.lastPause)
            let spread = ceiling - Reconnector.firstPause
            return Reconnector.firstPause + Reconnector.fraction(random, of: spread)
        }
        failures += 1
        let ceiling = Reconnector.doubled(
            Reconnector.firstCeiling, times: failures - 1, atMost: Reconnector.lastCeiling)
        return Reconnector.fraction(random, of: ceiling)
    }

    private static func doubled(
        _ duration: Duration, times: Int, atMost limit: Duration
    ) -> Duration {
        // Shifting by more would overflow; the limit is reached long before.
        min(duration * (1 << min(times, 16)), limit)
    }

    private static func fraction(_ random: UInt64, of duration: Duration) -> Duration {
        let (seconds, attoseconds) = duration.components
        let microseconds = UInt64(seconds) * 1_000_000 + UInt64(attoseconds / 1_000_000_000_000)
        return .microseconds(random.multipliedFullWidth(by: microseconds + 1).high)
    }
}
