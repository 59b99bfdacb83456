package import ParleyCRDT

/// When casebooks are tidied up after commits: once they have been quiet for a while, and after a
/// longer one even if they never are. Moments are those of a `NodeClock`.
package struct TidySchedule: Sendable {
    /// Short enough that people find what they typed before, and long enough for an import.
    package static let pause: Duration = .seconds(2)
    package static let patience: Duration = .seconds(30)

    private var touches: [Digest: (first: Duration, last: Duration)] = [:]

    package init() {}

    /// Something was committed.
    package mutating func touched(_ casebook: Digest, at now: Duration) {
        touches[casebook] = (touches[casebook]?.first ?? now, now)
    }

    /// When the first is due, `nil` where there is nothing to do. A further touch never brings it
    /// forward to before that.
    package var nextDue: Duration? {
        touches.values.map(TidySchedule.due).min()
    }

    /// Takes out those that are due, sorted.
    package mutating func take(at now: Duration) -> [Digest] {
        let due = touches.filter { TidySchedule.due($0.value) <= now }.keys.sorted()
        for casebook in due { touches[casebook] = nil }
        return due
    }

    private static func due(_ touch: (first: Duration, last: Duration)) -> Duration {
        min(touch.last + pause, touch.first + patience)
    }
}
