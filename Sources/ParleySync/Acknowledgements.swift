import ParleyCRDT

/// What is held durably and hasn't been said yet, gathered for a short while.
struct Acknowledgements {
    /// How long they are gathered, in milliseconds.
    private static let delay: UInt64 = 50

    private var ends: [Origin: [Tip]] = [:]
    private(set) var due: Moment?

    mutating func gather(_ origin: Origin, _ tips: [Tip], _ now: Moment) {
        ends[origin] = tips
        if due == nil { due = now.advanced(byMilliseconds: Acknowledgements.delay) }
    }

    /// All that was gathered, by origin; what comes next is gathered anew.
    mutating func take() -> [Clock.Entry] {
        due = nil
        defer { ends = [:] }
        return ends.sorted { $0.key < $1.key }.map { Clock.Entry(origin: $0.key, tips: $0.value) }
    }
}
