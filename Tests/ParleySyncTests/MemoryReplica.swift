import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleySync
import ParleyWire

/// A replica that keeps signed changes in memory, each a batch of its own and logs with all their
/// branches, for the conversation alone: no merging here.
struct MemoryReplica {
    static let casebook = Hashing.digest(Array("casebook".utf8))

    /// A change and where it stands in its log.
    struct Kept {
        let bytes: [UInt8]
        let tip: Tip
        let hash: Digest
        let previous: Digest
    }

    let author: LogAuthor
    var logs: [Origin: [Kept]] = [:]
    /// The change that the next one written here follows.
    private var last = Digest.zero
    var heard: [NodeID: Clock] = [:]
    var told: [NodeID: Clock] = [:]
    /// Origins whose newest run is applied in part, so that it can't be offered yet.
    var withheld: Set<Origin> = []
    /// Single changes that are held without their contents.
    var missing: [ChangeRange] = []

    init(_ number: UInt8) {
        let identity = Identity(privateKey: [UInt8](repeating: number, count: 32))!
        author = LogAuthor(identity: identity, epoch: UInt64(number))
    }

    var node: NodeID { author.identity.node }

    /// The ends of all branches.
    var clock: Clock {
        Clock(logs.keys.sorted().map { Clock.Entry(origin: $0, tips: ends(of: $0)) })
    }

    private func ends(of origin: Origin) -> [Tip] {
        let followed = Set((logs[origin] ?? []).map(\.previous))
        return (logs[origin] ?? []).filter { !followed.contains($0.hash) }.map(\.tip)
    }

    // MARK: Taking in

    /// Writes one change of one record.
    ///
    /// - Returns: the clock entry that moved.
    mutating func write(_ text: String) throws -> Clock.Entry {
        let before = logs[author.origin]?.first { $0.hash == last }
        let sequence = (before?.tip.sequence ?? 0) + 1
        let change = Change(
            origin: author.origin, sequence: sequence,
            time: HybridTime(milliseconds: 1_000 + sequence), contextDelta: [],
            groups: [
                .creation(
                    type: FieldName("note")!,
                    [
                        Operation(
                            .write, field: FieldName("title")!,
                            values: [.text(Array(text.utf8))])
                    ])
            ])
        let run = try author.run(
            of: [change], casebook: MemoryReplica.casebook, previous: last,
            seed: [UInt8](repeating: 1, count: 16))
        keep(run)
        last = run.hashes[0]
        return Clock.Entry(origin: author.origin, tips: ends(of: author.origin))
    }

    /// Verifies and keeps a batch as the store would.
    ///
    /// - Returns: where it stands, and the clock entry where it was new.
    @discardableResult
    mutating func store(_ bytes: [UInt8]) throws -> (run: StoredRun, moved: Clock.Entry?) {
        let header = try Batch.header(of: bytes)
        let candidates =
            header.first == 1
            ? [.zero]
            : (logs[header.origin] ?? []).filter { $0.tip.sequence == header.first - 1 }
                .map(\.hash)
        guard
            let run = candidates.lazy.compactMap({
                try? VerifiedBatch(
                    bytes: bytes, casebook: MemoryReplica.casebook, previous: $0)
            }).first
        else { throw LogError(.wrongSignature, origin: header.origin) }
        let end = Tip(sequence: run.last, hash: run.hashes[0].prefix)
        let previous =
            run.first == 1 ? nil : Tip(sequence: run.first - 1, hash: run.previous.prefix)
        let stored = StoredRun(previous: previous, end: end)
        missing.removeAll {
            $0.origin == run.origin && $0.sequences == run.first...run.last
        }
        guard !(logs[run.origin] ?? []).contains(where: { $0.tip == end }) else {
            return (stored, nil)
        }
        keep(run)
        return (stored, Clock.Entry(origin: run.origin, tips: ends(of: run.origin)))
    }

    private mutating func keep(_ run: VerifiedBatch) {
        logs[run.origin, default: []].append(
            Kept(
                bytes: run.bytes, tip: Tip(sequence: run.last, hash: run.hashes[0].prefix),
                hash: run.hashes[0], previous: run.previous))
    }

    // MARK: Giving out

    func opening(for peer: NodeID) -> Reconciliation.Opening {
        Reconciliation.Opening(
            casebook: MemoryReplica.casebook, clock: clock, applied: clock,
            untold: clock.entries(movedSince: told[peer] ?? Clock()), heard: heard[peer] ?? Clock())
    }

    func outgoing(_ kept: Kept, of origin: Origin) -> OutgoingBatch {
        let sequence = kept.tip.sequence
        let hasForked = ends(of: origin).count > 1
        return OutgoingBatch(
            bytes: kept.bytes, origin: origin, first: sequence, tip: kept.tip,
            hasBranches: hasForked,
            previous: hasForked && sequence > 1
                ? Tip(sequence: sequence - 1, hash: kept.previous.prefix) : nil)
    }

    func read(_ request: ReadRequest, byteLimit: Int) -> OutgoingRead {
        switch request {
        case .next(let logs): return read(logs, byteLimit: byteLimit)
        case .again(let range, _):
            let kept = (logs[range.origin] ?? []).filter {
                range.sequences.contains($0.tip.sequence)
                    && !missing.contains(
                        ChangeRange(
                            origin: range.origin, sequences: $0.tip.sequence...$0.tip.sequence))
            }
            return OutgoingRead(batches: kept.map { outgoing($0, of: range.origin) })
        }
    }

    private func read(_ wanted: [PeerLog], byteLimit: Int) -> OutgoingRead {
        var (withheld, parted): ([Origin], [Origin]) = ([], [])
        for log in wanted {
            let kept = logs[log.origin] ?? []
            let strange = log.tips.filter { tip in !kept.contains { $0.tip == tip } }
            let last = kept.map(\.tip.sequence).max() ?? 0
            let hasParted = !log.isLocated && strange.contains { $0.sequence <= last }
            let lacking = log.isLocated || strange.isEmpty ? missing(to: log) : []
            if hasParted {
                parted.append(log.origin)
            } else if self.withheld.contains(log.origin) || lacking.isEmpty {
                withheld.append(log.origin)
            } else {
                var size = 0
                let batches = lacking.prefix {
                    size += $0.bytes.count
                    return size <= byteLimit || size == $0.bytes.count
                }
                return OutgoingRead(
                    batches: batches.map { outgoing($0, of: log.origin) }, withheld: withheld,
                    parted: parted)
            }
        }
        return OutgoingRead(batches: [], withheld: withheld, parted: parted)
    }

    /// The first branch of which somebody lacks something, from there on.
    private func missing(to log: PeerLog) -> [Kept] {
        let known = Set(log.tips.flatMap { branch(to: $0, of: log.origin).map(\.tip) })
        for end in ends(of: log.origin) where !known.contains(end) {
            return branch(to: end, of: log.origin).filter { !known.contains($0.tip) }
        }
        return []
    }

    /// A change and all before it, the first one first.
    private func branch(to end: Tip, of origin: Origin) -> [Kept] {
        let kept = logs[origin] ?? []
        var branch = kept.filter { $0.tip == end }
        while let first = branch.first,
            let before = kept.first(where: { $0.hash == first.previous })
        {
            branch.insert(before, at: 0)
        }
        return branch
    }

    func locators(of origin: Origin) -> [[Tip]] {
        ends(of: origin).map { end in
            let branch = branch(to: end, of: origin).map(\.tip)
            var points: [Tip] = []
            var (back, step) = (0, 1)
            while back < branch.count {
                points.append(branch[branch.count - 1 - back])
                (back, step) = (back + step, step * 2)
            }
            if points.last != branch.first { points.append(branch[0]) }
            return points
        }
    }

    func newestShared(of origin: Origin, among points: [Tip]) -> Tip? {
        points.first { point in logs[origin]?.contains { $0.tip == point } ?? false }
    }
}
