import ParleyCRDT

/// What is held durably and hasn't been said yet. The first is said at once, because somebody may wait
/// for it; what follows soon after is gathered for a short while.
struct Acknowledgements {
    /// The least time from one to the next, in milliseconds.
    private static let interval: UInt64 = 50

    private var ends: [Origin: [Tip]] = [:]
    private var said: Moment?
    private(set) var due: Moment?

    mutating func gather(_ origin: Origin, _ tips: [Tip], _ now: Moment) {
        ends[origin] = tips
        guard due == nil else { return }
        due = max(now, said?.advanced(byMilliseconds: Acknowledgements.interval) ?? now)
    }

    /// All that was gathered, by origin; what comes next is gathered anew.
    mutating func take(_ now: Moment) -> [Clock.Entry] {
        due = nil
        said = now
        defer { ends = [:] }
        return ends.sorted { $0.key < $1.key }.map { Clock.Entry(origin: $0.key, tips: $0.value) }
    }
}
