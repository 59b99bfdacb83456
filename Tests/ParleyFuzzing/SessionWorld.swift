import ParleyCRDT
import ParleySync
import ParleyWire

/// What a session is about: two casebooks that both sides share, one of each side's own, and logs
/// that are only tips. Nothing is signed here: a session never looks further than a batch's header.
struct SessionWorld {
    /// The last but one is ours alone, the last the peer's.
    static let casebooks = (1...4).map { Digest(bytes: [UInt8](repeating: $0, count: 32))! }
    static let own = casebooks[..<3]

    static let origins = (1...4).map {
        Origin(node: NodeID(bytes: [UInt8](repeating: UInt8($0), count: 32))!, epoch: UInt64($0))
    }

    /// A change's hash follows from its place, so that two nodes that don't talk agree on it.
    /// Branches leave the first one after its first change.
    static func tip(_ sequence: UInt64, branch: UInt8 = 0) -> Tip {
        let branch = sequence > 1 ? branch : 0
        return Tip(sequence: sequence, hash: HashPrefix(UInt128(branch) << 64 | UInt128(sequence)))
    }

    /// Held and applied when the session begins.
    static let clock = Clock([
        Clock.Entry(origin: origins[0], tip: tip(5)), Clock.Entry(origin: origins[1], tip: tip(3)),
        Clock.Entry(origin: origins[2], tips: [tip(2), tip(4, branch: 1)]),
    ])

    static let peerClock = Clock([
        Clock.Entry(origin: origins[0], tip: tip(2)), Clock.Entry(origin: origins[1], tip: tip(7)),
        Clock.Entry(origin: origins[2], tip: tip(3)), Clock.Entry(origin: origins[3], tip: tip(9)),
    ])

    static let openings = own.map { casebook in
        Reconciliation.Opening(
            casebook: casebook, clock: clock, applied: clock,
            untold: casebook == casebooks[0] ? clock.entries : [clock.entries[1]],
            heard: casebook == casebooks[0] ? Clock() : peerClock)
    }

    /// Something with a batch's header, and no more of it than a session reads.
    static func batch(
        _ origin: Origin, first: UInt64, count: Int, byteCount: Int = 0
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: max(byteCount, 128))
        writer.origin(origin)
        writer.varint(first)
        writer.varint(count)
        writer.u8(0)
        writer.raw(signature)
        let limit = min(byteCount, Limits.batchBytes)
        if writer.count < limit { writer.raw([UInt8](repeating: 0, count: limit - writer.count)) }
        return writer.bytes
    }

    private static let signature = [UInt8](repeating: 1, count: Batch.signatureBytes)

    // MARK: The store's side

    /// Logs grow no further, so that a conversation comes to an end.
    private static let lastSequence: UInt64 = 3_000

    /// By casebook; what is held is applied.
    private var clocks: [Digest: Clock] = Dictionary(
        uniqueKeysWithValues: SessionWorld.own.map { ($0, SessionWorld.clock) })

    /// What is held of one casebook.
    func clock(of casebook: Digest) -> Clock { clocks[casebook] ?? Clock() }

    /// Lets a log grow in every casebook.
    ///
    /// - Returns: its entry by casebook.
    mutating func grow(
        origin: Origin, by count: UInt64, branch: UInt8
    ) -> [(casebook: Digest, entry: Clock.Entry)] {
        SessionWorld.own.compactMap { casebook in
            let last = end(of: origin, branch, in: casebook) ?? SessionWorld.tip(1)
            let sum = last.sequence + min(max(1, count), 1_500)
            guard sum <= SessionWorld.lastSequence else { return nil }
            advance(casebook, origin, to: SessionWorld.tip(sum, branch: branch))
            return (casebook, Clock.Entry(origin: origin, tips: clock(of: casebook)[origin]))
        }
    }

    /// What a batch of the log's first branch begins with to follow what is held.
    func next(of origin: Origin, in casebook: Digest) -> UInt64 {
        (end(of: origin, 0, in: casebook)?.sequence ?? 0) + 1
    }

    /// Takes a run as a store does, but that it believes its hashes.
    ///
    /// - Returns: `nil` where it can't follow what is held.
    mutating func take(_ batch: [UInt8], in casebook: Digest) -> (StoredRun, Clock.Entry)? {
        guard let header = try? Batch.header(of: batch),
            header.first <= next(of: header.origin, in: casebook),
            header.last <= SessionWorld.lastSequence
        else { return nil }
        let run = StoredRun(
            previous: SessionWorld.predecessor(of: SessionWorld.tip(header.first)),
            end: SessionWorld.tip(header.last))
        if header.last >= next(of: header.origin, in: casebook) {
            advance(casebook, header.origin, to: run.end)
        }
        return (
            run, Clock.Entry(origin: header.origin, tips: clock(of: casebook)[header.origin])
        )
    }

    private func end(of origin: Origin, _ branch: UInt8, in casebook: Digest) -> Tip? {
        clock(of: casebook)[origin].first { SessionWorld.branch(of: $0) == branch }
    }

    private mutating func advance(_ casebook: Digest, _ origin: Origin, to tip: Tip) {
        let before = end(of: origin, SessionWorld.branch(of: tip), in: casebook)
        let isOpening = clock(of: casebook)[origin] == [SessionWorld.tip(1)]
        clocks[casebook]?.advance(
            to: Dot(origin: origin, sequence: tip.sequence, hash: tip.hash),
            after: isOpening ? SessionWorld.tip(1) : before)
    }

    private static func branch(of tip: Tip) -> UInt8 {
        UInt8(truncatingIfNeeded: tip.hash.value >> 64)
    }

    private static func predecessor(of tip: Tip) -> Tip? {
        guard tip.sequence > 1 else { return nil }
        return SessionWorld.tip(
            tip.sequence - 1, branch: tip.sequence == 2 ? 0 : branch(of: tip))
    }

    private func holds(_ tip: Tip, of origin: Origin, in casebook: Digest) -> Bool {
        guard tip == SessionWorld.tip(tip.sequence, branch: SessionWorld.branch(of: tip)) else {
            return false
        }
        return clock(of: casebook)[origin].contains { held in
            let isOfBranch = SessionWorld.branch(of: held) == SessionWorld.branch(of: tip)
            return tip == SessionWorld.tip(1)
                || isOfBranch && tip.sequence <= held.sequence && tip.sequence > 1
        }
    }

    // MARK: Giving out

    /// What a peer that has these logs is to get next.
    ///
    /// - Parameter size: of the batch, roughly.
    func read(_ request: ReadRequest, of casebook: Digest, size: Int) -> OutgoingRead {
        switch request {
        case .next(let logs): read(logs, of: casebook, size: size)
        case .again(let range, _):
            OutgoingRead(
                batches: again(range, in: casebook).map { [outgoing(range.origin, to: $0, size)] }
                    ?? [])
        }
    }

    private func again(_ range: ChangeRange, in casebook: Digest) -> Tip? {
        let tip = SessionWorld.tip(range.sequences.lowerBound)
        return holds(tip, of: range.origin, in: casebook) ? tip : nil
    }

    private func read(_ logs: [PeerLog], of casebook: Digest, size: Int) -> OutgoingRead {
        var (withheld, parted): ([Origin], [Origin]) = ([], [])
        for log in logs {
            let held = clock(of: casebook)[log.origin]
            let strange = log.tips.filter { !holds($0, of: log.origin, in: casebook) }
            let last = held.map(\.sequence).max() ?? 0
            let lacking = held.first { end in !log.tips.contains(end) && !isBelow(end, log.tips) }
            if !log.isLocated, strange.contains(where: { $0.sequence <= last }) {
                parted.append(log.origin)
            } else if let lacking, log.isLocated || strange.isEmpty {
                return OutgoingRead(
                    batches: [outgoing(log.origin, to: lacking, after: log.tips, size)],
                    withheld: withheld, parted: parted)
            } else {
                withheld.append(log.origin)
            }
        }
        return OutgoingRead(batches: [], withheld: withheld, parted: parted)
    }

    /// Whether a peer that holds these tips holds this one.
    private func isBelow(_ tip: Tip, _ tips: [Tip]) -> Bool {
        tips.contains {
            SessionWorld.branch(of: $0) == SessionWorld.branch(of: tip)
                && $0.sequence >= tip.sequence
        }
    }

    /// One batch of the branch that ends there, as long as one may be.
    private func outgoing(
        _ origin: Origin, to end: Tip, after known: [Tip] = [], _ size: Int
    ) -> OutgoingBatch {
        let branch = SessionWorld.branch(of: end)
        let before = known.filter { SessionWorld.branch(of: $0) == branch }.map(\.sequence).max()
        let first = (before ?? (branch == 0 ? 0 : 1)) + 1
        let last = min(end.sequence, first + UInt64(Limits.changesPerBatch) - 1)
        return OutgoingBatch(
            bytes: SessionWorld.batch(
                origin, first: first, count: Int(last - first) + 1, byteCount: size),
            origin: origin, first: first, tip: SessionWorld.tip(last, branch: branch),
            hasBranches: true,
            previous: SessionWorld.predecessor(of: SessionWorld.tip(first, branch: branch)))
    }

    func locators(of origin: Origin, in casebook: Digest) -> [[Tip]] {
        clock(of: casebook)[origin].map { tip in
            tip.sequence > 1 ? [tip, SessionWorld.tip(1)] : [tip]
        }
    }

    func newestShared(of origin: Origin, among points: [Tip], in casebook: Digest) -> Tip? {
        points.first { holds($0, of: origin, in: casebook) }
    }
}
