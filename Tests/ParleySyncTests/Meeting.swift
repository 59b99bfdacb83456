import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleySync
import ParleyWire
import Testing

/// A replica that keeps signed batches in memory, for the conversation alone: no merging here.
struct MemoryReplica {
    static let casebook = Hashing.digest(Array("casebook".utf8))

    let author: LogAuthor
    var batches: [Origin: [OutgoingBatch]] = [:]
    var hashes: [Origin: Digest] = [:]
    var clock = Clock()
    var heard: [NodeID: Clock] = [:]
    var told: [NodeID: Clock] = [:]
    /// Origins whose newest run is applied in part, so that it can't be offered yet.
    var withheld: Set<Origin> = []

    init(_ number: UInt8) {
        let identity = Identity(privateKey: [UInt8](repeating: number, count: 32))!
        author = LogAuthor(identity: identity, epoch: UInt64(number))
    }

    var node: NodeID { author.identity.node }

    /// Writes one change of one record.
    ///
    /// - Returns: the clock entry that moved.
    mutating func write(_ text: String) throws -> Clock.Entry {
        let sequence = (clock[author.origin].last?.sequence ?? 0) + 1
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
            of: [change], casebook: MemoryReplica.casebook,
            previous: hashes[author.origin] ?? .zero, seed: [UInt8](repeating: 1, count: 16))
        return keep(run)
    }

    /// Verifies and keeps a batch as the store would; what is already there is skipped.
    mutating func store(_ bytes: [UInt8]) throws -> Clock.Entry? {
        let header = try Batch.header(of: bytes)
        let known = clock[header.origin].last?.sequence ?? 0
        guard header.first == known + 1 else { return nil }
        return keep(
            try VerifiedBatch(
                bytes: bytes, casebook: MemoryReplica.casebook,
                previous: hashes[header.origin] ?? .zero))
    }

    private mutating func keep(_ run: VerifiedBatch) -> Clock.Entry {
        let last = run.hashes[run.hashes.count - 1]
        let tip = Tip(sequence: run.last, hash: last.prefix)
        batches[run.origin, default: []].append(
            OutgoingBatch(bytes: run.bytes, origin: run.origin, first: run.first, last: run.last))
        hashes[run.origin] = last
        let entry = Clock.Entry(origin: run.origin, tip: tip)
        clock.set(entry)
        return entry
    }

    func opening(for peer: NodeID) -> Reconciliation.Opening {
        Reconciliation.Opening(
            casebook: MemoryReplica.casebook, clock: clock, applied: clock,
            untold: clock.entries(movedSince: told[peer] ?? Clock()), heard: heard[peer] ?? Clock())
    }
}

/// Two sessions wired back to back: messages travel as bytes, time is a number.
struct Meeting {
    var replicas: [MemoryReplica]
    var sessions: [Session]
    var now = Moment(milliseconds: 1_000)
    /// Frames under way, with the side they go to.
    var wire: [(to: Int, bytes: [UInt8])] = []
    /// Bytes that each side has sent.
    var sentBytes = [0, 0]
    var ends: [SessionEnd?] = [nil, nil]
    var caughtUp = [false, false]
    var forks: [Origin] = []
    /// Alters or drops frames on the way; the identity by default.
    var tamper: (Int, [UInt8]) -> [UInt8]? = { _, bytes in bytes }

    init(_ left: MemoryReplica, _ right: MemoryReplica) {
        replicas = [left, right]
        let start = Moment(milliseconds: 1_000)
        sessions = [
            Session(
                side: .initiator, run: 1, openings: [left.opening(for: right.node)], now: start),
            Session(
                side: .responder, run: 2, openings: [right.opening(for: left.node)], now: start),
        ]
    }

    mutating func run() throws {
        for side in 0...1 { try perform(sessions[side].start(now: now), side) }
        try settle()
    }

    mutating func write(_ text: String, on side: Int) throws {
        let entry = try replicas[side].write(text)
        try perform(
            sessions[side].moved(
                casebook: MemoryReplica.casebook, held: [entry], applied: [entry], isLocal: true,
                now: now), side)
        try settle()
    }

    mutating func pass(milliseconds: UInt64) throws {
        now = now.advanced(byMilliseconds: milliseconds)
        for side in 0...1 { try perform(sessions[side].tick(now: now), side) }
        try settle()
    }

    /// Delivers frames until none is under way.
    mutating func settle() throws {
        var steps = 0
        while !wire.isEmpty {
            steps += 1
            try #require(steps < 100_000, "the conversation never ends")
            let (side, bytes) = wire.removeFirst()
            guard let bytes = tamper(side, bytes) else { continue }
            guard let message = try Message(tag: bytes[0], payload: Array(bytes.dropFirst())) else {
                continue
            }
            try perform(sessions[side].receive(message, now: now), side)
        }
    }

    private mutating func perform(_ actions: [SessionAction], _ side: Int) throws {
        let peer = replicas[1 - side].node
        for action in actions {
            switch action {
            case .send(let message):
                let bytes = message.encoded()
                sentBytes[side] += bytes.count + 4
                wire.append((1 - side, bytes))
            case .read(_, let positions, let byteLimit):
                try perform(supply(side, positions, byteLimit), side)
            case .store(let casebook, let batch):
                try store(batch, casebook, side)
            case .rememberHeard(_, let clock):
                replicas[side].heard[peer] = clock
            case .rememberTold:
                replicas[side].told[peer] = replicas[side].clock
            case .reportFork(_, let origin):
                forks.append(origin)
            case .caughtUp:
                caughtUp[side] = true
            case .rememberAddresses, .passed:
                break
            case .close(let end):
                ends[side] = end
            }
        }
    }

    private mutating func supply(
        _ side: Int, _ positions: [LogPosition], _ byteLimit: Int
    ) -> [SessionAction] {
        let withheld = positions.map(\.origin).filter(replicas[side].withheld.contains)
        let position = positions.first { !withheld.contains($0.origin) }
        let batches = position.map { self.batches(side, $0, byteLimit) } ?? []
        return sessions[side].supply(
            casebook: MemoryReplica.casebook, OutgoingRead(batches: batches, withheld: withheld),
            now: now)
    }

    private func batches(
        _ side: Int, _ position: LogPosition, _ byteLimit: Int
    ) -> [OutgoingBatch] {
        var chosen: [OutgoingBatch] = []
        var size = 0
        for batch in replicas[side].batches[position.origin] ?? []
        where batch.first > position.sequence {
            guard chosen.isEmpty || size + batch.bytes.count <= byteLimit else { break }
            chosen.append(batch)
            size += batch.bytes.count
        }
        return chosen
    }

    private mutating func store(_ batch: [UInt8], _ casebook: Digest, _ side: Int) throws {
        do {
            if let entry = try replicas[side].store(batch) {
                try perform(
                    sessions[side].moved(
                        casebook: casebook, held: [entry], applied: [entry], isLocal: false,
                        now: now), side)
            }
            try perform(sessions[side].stored(casebook: casebook, now: now), side)
        } catch {
            try perform(sessions[side].refused("\(type(of: error))", now: now), side)
        }
    }
}
