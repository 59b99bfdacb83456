import ParleyCRDT

/// What is known of the logs of the peer: what it has said of its clock, and what went over this
/// connection, either way.
struct PeerKnowledge {
    /// What the peer has said it holds.
    private(set) var clock: Clock
    /// Ends of what was sent or received and stored.
    private var exchanged = Clock()
    /// The end of what was sent last of each log.
    private var sent: [Origin: Tip] = [:]
    /// How far what was received and isn't stored yet goes; its hashes are still unknown.
    private var arriving: [Origin: UInt64] = [:]
    /// Logs of which the newest change that both share has been looked for.
    private var located: Set<Origin> = []

    init(_ clock: Clock) {
        self.clock = clock
    }

    // MARK: What is heard

    /// Forgets what the peer has said.
    mutating func forget() {
        clock = Clock()
    }

    mutating func set(_ entries: [Clock.Entry]) {
        clock.set(sorted: entries)
    }

    /// The peer has more than it has said; what it said earlier may still arrive late.
    ///
    /// - Returns: whether that is news.
    mutating func raise(_ entry: Clock.Entry) -> Bool {
        guard entry.isNews(in: clock) else { return false }
        clock.set(entry)
        return true
    }

    mutating func noteArriving(_ origin: Origin, _ sequence: UInt64) {
        arriving[origin] = max(arriving[origin] ?? 0, sequence)
    }

    /// A run was received and is stored.
    ///
    /// - Parameter previous: what it follows, `nil` at the beginning of a log.
    mutating func noteReceived(_ end: Dot, after previous: Tip?) {
        exchanged.advance(to: end, after: previous)
    }

    mutating func noteSent(_ batch: OutgoingBatch) {
        let end = Dot(origin: batch.origin, sequence: batch.last, hash: batch.tip.hash)
        exchanged.advance(
            to: end, after: batch.hasBranches ? batch.previous : sent[batch.origin])
        sent[batch.origin] = batch.tip
    }

    /// The newest change both share, `nil` where there is none, was looked for.
    mutating func noteShared(_ tip: Tip?, of origin: Origin) {
        located.insert(origin)
        guard let tip, !exchanged[origin].contains(tip) else { return }
        exchanged.set(Clock.Entry(origin: origin, tips: exchanged[origin] + [tip]))
    }

    // MARK: What follows

    func log(of origin: Origin) -> PeerLog {
        PeerLog(
            origin: origin, tips: Set(clock[origin] + exchanged[origin]).sorted(),
            isLocated: located.contains(origin))
    }

    /// Whether the peer may lack something of what is held here.
    ///
    /// As long as nobody has shown a second branch, a log that is longer holds all of one that is
    /// shorter: this is all there is to it for nearly every log. Otherwise only whoever holds the
    /// branches can tell.
    func mayLack(_ entry: Clock.Entry) -> Bool {
        let (told, exchanged) = (clock[entry.origin], exchanged[entry.origin])
        guard entry.tips.count == 1, told.count < 2, exchanged.count < 2,
            !located.contains(entry.origin)
        else { return !entry.tips.allSatisfy { told.contains($0) || exchanged.contains($0) } }
        let own = entry.tips[0]
        if told.first == own || exchanged.first == own { return false }
        let last = max(told.first?.sequence ?? 0, exchanged.first?.sequence ?? 0)
        // One as long and different is another branch.
        return max(last, arriving[entry.origin] ?? 0) < own.sequence || last == own.sequence
    }
}

extension Clock.Entry {
    /// Whether this says more than a clock does. Notices may arrive late, after something that
    /// knew better already; logs only grow, so the sum of their lengths tells.
    func isNews(in clock: Clock) -> Bool {
        length > Clock.Entry.length(of: clock[origin])
    }

    private var length: UInt64 { Clock.Entry.length(of: tips) }

    private static func length(of tips: [Tip]) -> UInt64 {
        tips.reduce(0) { sum, tip in
            let (more, overflows) = sum.addingReportingOverflow(tip.sequence)
            return overflows ? .max : more
        }
    }
}
