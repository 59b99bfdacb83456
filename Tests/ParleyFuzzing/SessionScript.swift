import ParleyCRDT
import ParleyLog
import ParleySync
import ParleyWire

/// Something that happens to a session.
enum SessionEvent {
    /// A frame's tag and payload, as they arrive.
    case frame(tag: UInt8, payload: [UInt8])
    case message(Message)
    /// A batch that follows what is held of a log.
    case run(casebook: Int, Origin, count: Int, byteCount: Int)
    /// The same message several times.
    case messages(Message, count: Int)
    case pass(milliseconds: UInt64)
    case setWritable(Bool)
    /// Changes are written here, or arrive from a third node.
    case grow(Origin, by: UInt64, branch: UInt8, isLocal: Bool)
    /// The store answers the oldest of what it was asked for.
    case answer(SessionQuestion.Kind, size: Int)
    case refuse
    case barrier(UInt64)
    case tell([PeerAddress])
    case end
}

/// Reads events from bytes. All that a peer can say is drawn from few casebooks, origins and tips, so
/// that what it says often concerns what is here.
struct SessionScript {
    private var source: ByteSource
    let side: Session.Side
    private var last: Message?

    init(_ bytes: [UInt8]) {
        source = ByteSource(bytes)
        side = source.flag() ? .initiator : .responder
    }

    mutating func next() -> SessionEvent? {
        guard !source.isEmpty else { return nil }
        switch source.below(20) {
        case 0: return .frame(tag: source.u8(), payload: source.take(source.below(64)))
        case 1: return .pass(milliseconds: [0, 1, 50, 100, 1_000, 30_000, 89_999][source.below(7)])
        case 2: return .setWritable(source.flag())
        case 3, 4:
            return .grow(
                origin(), by: source.number(), branch: source.u8() & 3,
                isLocal: source.flag())
        case 5, 6: return .answer(.read, size: Int(source.u16()) * 8)
        case 7, 8: return .answer(.store, size: 0)
        case 9: return .answer(.look, size: source.below(4))
        case 10:
            switch source.below(16) {
            case 0: return .end
            case 1: return .refuse
            case 2: return .tell([address()])
            default: return .barrier(source.number())
            }
        case 12, 13:
            return .run(
                casebook: casebook(), origin(), count: source.below(3) + 1,
                byteCount: source.below(8) == 7 ? Int(source.u16()) : 0)
        case 11:
            let count = source.below(255) + 1
            return last.map { .messages($0, count: count) } ?? .barrier(0)
        default:
            let message = message()
            last = message
            return .message(message)
        }
    }

    // MARK: What a peer says

    private mutating func message() -> Message {
        switch source.below(20) {
        case 0: .hello(hello())
        case 1, 2, 3:
            .clock(
                ClockPage(
                    casebook: casebook(), replacesAll: source.flag(), moreFollow: source.flag(),
                    entries: entries()))
        case 4: .clockRequest(casebook: casebook())
        case 5, 6: .batch(casebook: casebook(), bytes: batch())
        case 7, 8: .caughtUp(casebook: casebook(), digest: HashPrefix(UInt128(source.u8())))
        case 9, 10: .acknowledgement(casebook: casebook(), entries: entries())
        case 11, 12, 13: .locator(locator())
        case 14, 15: .want(want())
        case 16: .addresses(casebook: casebook(), [address()])
        case 17: .ping(source.number())
        case 18: .pong(source.number())
        default: rare()
        }
    }

    private mutating func rare() -> Message {
        let ticket = Ticket(
            casebook: SessionWorld.casebooks[0], node: SessionWorld.origins[1].node, role: .editor,
            admission: Dot(origin: SessionWorld.origins[0], sequence: 1, hash: HashPrefix(1)),
            coordinator: SessionWorld.origins[0].node,
            signature: [UInt8](repeating: 0, count: Ticket.signatureBytes))
        switch source.below(8) {
        case 0:
            return .join(
                Join(
                    casebook: SessionWorld.casebooks[0],
                    secret: [UInt8](repeating: 0, count: Join.secretBytes), name: "x"))
        case 1: return .ticket(ticket)
        case 2...5: return .welcome(ticket)
        default: return .close(Close(Close.Code(rawValue: source.number())))
        }
    }

    private mutating func hello() -> Hello {
        let version = source.below(16) == 1 ? source.number() : 1
        let features = source.below(16) == 1 ? source.number() : 0
        let named = SessionWorld.casebooks.filter { _ in source.below(4) != 3 }
        return Hello(
            version: max(1, version), requiredFeatures: features, run: source.number(),
            casebooks: named.map { id in
                let digest =
                    switch source.below(4) {
                    case 0: SessionWorld.clock.digest
                    case 1: SessionWorld.peerClock.digest
                    default: HashPrefix(UInt128(source.u8()))
                    }
                return Hello.Casebook(id: id, clockDigest: digest)
            })
    }

    private mutating func casebook() -> Int { source.below(4) }

    private mutating func origin() -> Origin { source.element(of: SessionWorld.origins) }

    /// Mostly one that is about here; few branches.
    private mutating func tip() -> Tip {
        let sequence = max(1, source.number())
        let branch = source.u8()
        return SessionWorld.tip(sequence, branch: branch < 0xe0 ? 0 : branch & 3)
    }

    /// The peer's whole clock, or some entries, sorted as they are on the wire.
    private mutating func entries() -> [Clock.Entry] {
        if source.flag() { return SessionWorld.peerClock.entries }
        let count = source.below(5)
        return Clock(
            (0..<count).map { _ in
                Clock.Entry(
                    origin: origin(), tips: Array(Set((0...source.below(3)).map { _ in tip() })))
            }
        ).entries
    }

    private mutating func batch() -> [UInt8] {
        if source.below(16) == 15 { return source.take(source.below(32)) }
        return SessionWorld.batch(
            origin(), first: max(1, source.number()), count: source.below(3) + 1)
    }

    private mutating func locator() -> Locator {
        let tips = Set((0...source.below(4)).map { _ in tip() })
        var points: [Tip] = []
        for tip in tips.sorted().reversed() where points.last?.sequence != tip.sequence {
            points.append(tip)
        }
        return Locator(casebook: casebook(), origin: origin(), points: points)
    }

    private mutating func want() -> Want {
        let (one, other) = (max(1, source.number()), max(1, source.number()))
        return Want(
            casebook: casebook(),
            range: ChangeRange(origin: origin(), sequences: min(one, other)...max(one, other)))
    }

    private mutating func address() -> PeerAddress {
        PeerAddress(node: origin().node, seenMilliseconds: 1, address: "a:1")
    }
}
