import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleySync
import ParleyWire
import Testing

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
    var heardAll = [false, false]
    /// Called once between a read and the handing over of what it found.
    var whileReading: ((inout Meeting) throws -> Void)?
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
        try move(replicas[side].write(text), on: side, isLocal: true)
        try settle()
    }

    /// Tells one side that its store's clock moved.
    mutating func move(_ entry: Clock.Entry, on side: Int, isLocal: Bool = false) throws {
        try perform(
            sessions[side].moved(
                casebook: MemoryReplica.casebook, held: [entry], applied: [entry],
                isLocal: isLocal, now: now), side)
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
            case .read(let casebook, let request, let byteLimit):
                let read = replicas[side].read(request, byteLimit: byteLimit)
                if let interlude = whileReading {
                    whileReading = nil
                    try interlude(&self)
                }
                try perform(sessions[side].supply(casebook: casebook, read, now: now), side)
            case .readLocators(let casebook, let origin):
                try perform(
                    sessions[side].supplyLocators(
                        casebook: casebook, replicas[side].locators(of: origin), of: origin,
                        now: now), side)
            case .findShared(let casebook, let origin, let points):
                try perform(
                    sessions[side].found(
                        casebook: casebook,
                        shared: replicas[side].newestShared(of: origin, among: points),
                        of: origin, now: now), side)
            case .findMissing(let casebook):
                let missing = replicas[side].missing
                try perform(
                    sessions[side].supplyMissing(casebook: casebook, missing, now: now), side)
            case .store(let casebook, let batch):
                try store(batch, casebook, side)
            case .rememberHeard(_, let clock):
                replicas[side].heard[peer] = clock
            case .rememberTold:
                replicas[side].told[peer] = replicas[side].clock
            case .heardAll:
                heardAll[side] = true
            case .caughtUp:
                caughtUp[side] = true
            case .rememberAddresses, .passed:
                break
            case .close(let end):
                ends[side] = end
            }
        }
    }

    private mutating func store(_ batch: [UInt8], _ casebook: Digest, _ side: Int) throws {
        do {
            let (run, moved) = try replicas[side].store(batch)
            if let entry = moved { try move(entry, on: side) }
            try perform(sessions[side].stored(casebook: casebook, run, now: now), side)
        } catch {
            try perform(sessions[side].refused("\(type(of: error))", now: now), side)
        }
    }
}
