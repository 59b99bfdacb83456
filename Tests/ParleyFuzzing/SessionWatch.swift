import ParleyCRDT
import ParleySync
import ParleyWire

/// What a session has asked of its store.
enum SessionQuestion {
    enum Kind: Hashable { case read, store, look }

    case read(Digest, ReadRequest)
    case store(Digest, batch: [UInt8])
    case locators(Digest, Origin)
    case shared(Digest, Origin, [Tip])
    case missing(Digest)

    var kind: Kind {
        switch self {
        case .read: .read
        case .store: .store
        case .locators, .shared, .missing: .look
        }
    }
}

/// Drives one session as a driver does, and checks after every event what must always hold.
struct SessionWatch {
    private var session: Session
    private let side: Session.Side
    private var now = Moment(milliseconds: 1_000)
    private var world = SessionWorld()
    private var questions: [SessionQuestion] = []
    /// The casebooks of the peer's hello.
    private var theirs: [Digest] = []
    private var hasClosed = false
    private var hasHeard = false
    private var hasGreeted = false
    private var pingCount = 0
    private var pongCount = 0
    /// Casebooks, by index, of which this side has said that the peer has all.
    private var saidCaughtUp: Set<Int> = []
    private var reportedCaughtUp: Set<Digest> = []
    private var reportedHeardAll: Set<Digest> = []

    init(_ side: Session.Side) {
        self.side = side
        session = Session(side: side, run: 7, openings: SessionWorld.openings, now: now)
    }

    // MARK: Events

    mutating func start() throws {
        try check(session.start(now: now))
        try expect(session.start(now: now).isEmpty, "a session starts once")
    }

    mutating func perform(_ event: SessionEvent) throws {
        switch event {
        case .frame(let tag, let payload):
            guard let message = try? Message(tag: tag, payload: payload) else { return }
            try receive(message)
        case .message(let message): try receive(message)
        case .messages(let message, let count): for _ in 0..<count { try receive(message) }
        case .run(let index, let origin, let count, let byteCount):
            guard theirs.indices.contains(index) else { return }
            let batch = SessionWorld.batch(
                origin, first: world.next(of: origin, in: theirs[index]), count: count,
                byteCount: byteCount)
            try receive(.batch(casebook: index, bytes: batch))
        case .pass(let milliseconds):
            now = now.advanced(byMilliseconds: milliseconds)
            try tick()
        case .setWritable(let isWritable):
            try check(session.setWritable(isWritable, now: now))
        case .grow(let origin, let count, let branch, let isLocal):
            for (casebook, entry) in world.grow(origin: origin, by: count, branch: branch) {
                try move(casebook, entry, isLocal: isLocal)
            }
        case .answer(let kind, let size): try answer(kind, size: size)
        case .refuse: try check(session.refused("no room", now: now))
        case .barrier(let number): try check(session.barrier(number, now: now))
        case .tell(let addresses):
            try check(session.tell(addresses, in: SessionWorld.casebooks[0], now: now))
        case .end: try check(session.end(now: now))
        }
    }

    /// Answers all that was asked, and what is asked for that reason, and lets time pass for what
    /// waits for it.
    mutating func answerAll() throws {
        var count = 0
        while let question = questions.first {
            count += 1
            try expect(count < 10_000, "a session doesn't ask for ever")
            try answer(question.kind, size: 0)
        }
    }

    /// Time passes and the peer says nothing.
    mutating func fallSilent() throws {
        var count = 0
        while let deadline = session.deadline {
            count += 1
            try expect(count < 1_000, "a session that hears nothing ends")
            try expect(deadline >= now || count == 1, "a deadline that was kept is over")
            now = max(now, deadline)
            try tick()
            try answerAll()
        }
        try expect(hasClosed, "a session without a deadline is over")
    }

    private mutating func receive(_ message: Message) throws {
        hasHeard = true
        if case .ping = message { pingCount += 1 }
        if case .hello(let hello) = message, theirs.isEmpty {
            theirs = hello.casebooks.map(\.id)
        }
        try check(session.receive(message, now: now))
    }

    private mutating func tick() throws {
        try check(session.tick(now: now))
        guard let deadline = session.deadline else { return }
        try expect(deadline > now, "after a tick there is nothing left to do at once")
    }

    private mutating func move(
        _ casebook: Digest, _ entry: Clock.Entry, isLocal: Bool = false
    ) throws {
        try check(
            session.moved(
                casebook: casebook, held: [entry], applied: [entry], isLocal: isLocal, now: now))
    }

    // MARK: The store's answers

    private mutating func answer(_ kind: SessionQuestion.Kind, size: Int) throws {
        guard let index = questions.firstIndex(where: { $0.kind == kind }) else { return }
        switch questions.remove(at: index) {
        case .read(let casebook, let request):
            let read = world.read(request, of: casebook, size: size)
            try check(session.supply(casebook: casebook, read, now: now))
        case .store(let casebook, let batch):
            guard let (run, entry) = world.take(batch, in: casebook) else {
                try check(session.refused("no batch", now: now))
                return
            }
            try move(casebook, entry)
            try check(session.stored(casebook: casebook, run, now: now))
        case .locators(let casebook, let origin):
            try check(
                session.supplyLocators(
                    casebook: casebook, world.locators(of: origin, in: casebook), of: origin,
                    now: now))
        case .shared(let casebook, let origin, let points):
            let shared = world.newestShared(of: origin, among: points, in: casebook)
            try check(session.found(casebook: casebook, shared: shared, of: origin, now: now))
        case .missing(let casebook):
            let ranges = SessionWorld.origins.prefix(size).map {
                ChangeRange(origin: $0, sequences: 1...2)
            }
            try check(session.supplyMissing(casebook: casebook, Array(ranges), now: now))
        }
    }

    // MARK: Laws

    private mutating func check(_ actions: [SessionAction]) throws {
        try expect(!hasClosed || actions.isEmpty, "nothing follows a close")
        for action in actions {
            try expect(!hasClosed, "nothing follows a close")
            try check(action)
        }
        try expect(hasClosed == (session.deadline == nil), "a session is over once it has said so")
        try expect(
            session.unacknowledgedBytes <= Limits.unacknowledgedBytesPerPeer,
            "unacknowledged bytes are bounded")
        try expect(pongCount <= pingCount, "pongs answer pings")
    }

    private mutating func check(_ action: SessionAction) throws {
        switch action {
        case .send(let message): try check(sent: message)
        case .read(let casebook, let request, _):
            let isReading = questions.contains {
                if case .read(casebook, _) = $0 { true } else { false }
            }
            try expect(!isReading, "one read at a time")
            questions.append(.read(casebook, request))
        case .store(let casebook, let batch): questions.append(.store(casebook, batch: batch))
        case .readLocators(let casebook, let origin): questions.append(.locators(casebook, origin))
        case .findShared(let casebook, let origin, let points):
            questions.append(.shared(casebook, origin, points))
        case .findMissing(let casebook): questions.append(.missing(casebook))
        case .caughtUp(let casebook):
            try expect(reportedCaughtUp.insert(casebook).inserted, "caught up is reported once")
        case .heardAll(let casebook):
            try expect(reportedHeardAll.insert(casebook).inserted, "all is heard once")
        case .close: hasClosed = true
        case .rememberHeard, .rememberTold, .rememberAddresses, .passed: break
        }
    }

    private mutating func check(sent message: Message) throws {
        let bytes = message.encoded()
        try expect(bytes.count <= Limits.frameBytes, "a message fits a frame")
        let again = try? Message(tag: bytes[0], payload: Array(bytes.dropFirst()))
        try expect(again == message, "what is sent can be read")
        try expect(side == .initiator || hasHeard, "a stranger who connects hears nothing")
        if case .hello = message {
            try expect(!hasGreeted, "there is one hello")
            hasGreeted = true
        }
        try expect(hasGreeted, "the first message is a hello")
        switch message {
        case .pong: pongCount += 1
        case .caughtUp(let index, _):
            try expect(saidCaughtUp.insert(index).inserted, "caught up is said once")
        case .acknowledgement(let index, let entries):
            let clock = world.clock(of: SessionWorld.own[index])
            for entry in entries {
                let known = clock[entry.origin]
                try expect(
                    entry.tips.allSatisfy { tip in
                        known.contains { $0.sequence >= tip.sequence }
                    }, "only what is durable is acknowledged")
            }
        default: break
        }
    }
}
