package import ParleyCRDT
import ParleyLog
package import ParleyWire

/// One conversation between two nodes: bytes and time in, actions out.
///
/// It owns no socket, clock, task or random number, so the very same code runs in the daemon, in
/// tests and in a simulator. The dialling side speaks first; the listening side answers, so that
/// a stranger who connects hears nothing. Then each shared casebook has a reconciliation of its own.
package struct Session: Sendable {
    /// A ping goes out after this much silence from our side, in milliseconds.
    static let pingInterval: UInt64 = 30_000
    /// The session ends after this much silence from the peer, in milliseconds.
    static let silenceLimit: UInt64 = 90_000
    /// Required features this version implements: none yet beyond the base protocol.
    static let knownFeatures: UInt64 = 0

    package enum Side: Equatable, Sendable {
        case initiator
        case responder
    }

    private enum State: Equatable {
        /// Nothing said yet; leads to `greeted` for the dialling side, to `talking` for the other.
        case fresh
        /// Our hello is out, the peer's is awaited. Leads to `talking`.
        case greeted
        /// Both hellos are known; casebooks are reconciled.
        case talking
        /// Over. Everything that still comes in is ignored.
        case closed
    }

    private let side: Side
    private let run: UInt64
    private let openings: [Reconciliation.Opening]
    private var state = State.fresh
    /// Ours, by casebook; only those both sides named.
    private var reconciliations: [Digest: Reconciliation] = [:]
    /// The casebooks of the peer's hello, in its order: its messages name them by index.
    private var theirCasebooks: [Digest] = []
    /// Pings that are answered once what they ask about has been sent.
    private var pendingPongs: [UInt64] = []
    private static let pendingPongLimit = 64
    /// Whether the peer takes what it is sent. Pongs wait for that, or else one that asks for them and
    /// never reads decides how many are queued for it.
    private var isWritable = true
    private var lastHeard: Moment
    private var lastSpoken: Moment
    /// The run number of the peer's hello: two connections between the same runs are one too many.
    package private(set) var peerRun: UInt64?

    /// - Parameters:
    ///   - run: random for each run of the node.
    ///   - openings: the casebooks the peer is a member of by our log; no other is ever named.
    package init(side: Side, run: UInt64, openings: [Reconciliation.Opening], now: Moment) {
        self.side = side
        self.run = run
        self.openings = openings.sorted { $0.casebook < $1.casebook }
        lastHeard = now
        lastSpoken = now
    }

    /// What has been done for each shared casebook.
    package var tallies: [Digest: SessionTally] { reconciliations.mapValues(\.tally) }

    /// The casebooks both sides named.
    package var shared: [Digest] { reconciliations.keys.sorted() }

    // MARK: Events

    /// The connection stands and the peer is known.
    package mutating func start(now: Moment) -> [SessionAction] {
        guard side == .initiator, state == .fresh else { return [] }
        state = .greeted
        return perform([.send(hello)], now)
    }

    package mutating func receive(_ message: Message, now: Moment) -> [SessionAction] {
        lastHeard = now
        switch state {
        case .closed:
            return []
        case .fresh, .greeted:
            return perform(receiveFirst(message), now)
        case .talking:
            return perform(receiveNext(message), now)
        }
    }

    package mutating func supply(
        casebook: Digest, _ read: OutgoingRead, now: Moment
    ) -> [SessionAction] {
        with(casebook, now) { $0.supply(read) }
    }

    package mutating func stored(
        casebook: Digest, _ run: StoredRun, now: Moment
    ) -> [SessionAction] {
        with(casebook, now) { $0.stored(run, now: now) }
    }

    package mutating func supplyLocators(
        casebook: Digest, _ branches: [[Tip]], of origin: Origin, now: Moment
    ) -> [SessionAction] {
        with(casebook, now) { $0.supplyLocators(branches, of: origin) }
    }

    package mutating func found(
        casebook: Digest, shared tip: Tip?, of origin: Origin, now: Moment
    ) -> [SessionAction] {
        with(casebook, now) { $0.found(shared: tip, of: origin) }
    }

    package mutating func supplyMissing(
        casebook: Digest, _ missing: [ChangeRange], now: Moment
    ) -> [SessionAction] {
        with(casebook, now) { $0.supplyMissing(missing) }
    }

    /// The store refused what the peer sent: nothing has changed, and the session is over.
    package mutating func refused(_ reason: String, now: Moment) -> [SessionAction] {
        perform([.close(.violation(reason))], now)
    }

    package mutating func moved(
        casebook: Digest, held: [Clock.Entry], applied: [Clock.Entry], isLocal: Bool, now: Moment
    ) -> [SessionAction] {
        with(casebook, now) { $0.moved(held: held, applied: applied, isLocal: isLocal, now: now) }
    }

    package mutating func setWritable(_ writable: Bool, now: Moment) -> [SessionAction] {
        isWritable = writable
        return everywhere(now) { $0.setWritable(writable) }
    }

    /// Time has passed; call at or after `deadline`.
    package mutating func tick(now: Moment) -> [SessionAction] {
        guard state != .closed else { return [] }
        guard now < lastHeard.advanced(byMilliseconds: Session.silenceLimit) else {
            return perform([.close(.silence)], now)
        }
        var actions = everywhere(now) { $0.tick(now: now) }
        if state == .talking, now >= lastSpoken.advanced(byMilliseconds: Session.pingInterval) {
            actions += perform([.send(.ping(run))], now)
        }
        return actions
    }

    /// When `tick` is next due, `nil` once the session is over.
    package var deadline: Moment? {
        guard state != .closed else { return nil }
        let silence = lastHeard.advanced(byMilliseconds: Session.silenceLimit)
        guard state == .talking else { return silence }
        let ping = lastSpoken.advanced(byMilliseconds: Session.pingInterval)
        return reconciliations.values.compactMap(\.deadline).reduce(min(silence, ping), min)
    }

    /// Passes on where members can be reached.
    package mutating func tell(
        _ addresses: [PeerAddress], in casebook: Digest, now: Moment
    ) -> [SessionAction] {
        with(casebook, now) { [.send(.addresses(casebook: $0.index, addresses))] }
    }

    /// Asks the peer to answer once it has sent what it had: `passed` follows with the number.
    package mutating func barrier(_ number: UInt64, now: Moment) -> [SessionAction] {
        guard state == .talking else { return [] }
        return perform([.send(.ping(number))], now)
    }

    /// Bytes of batches that were sent, or are being read to be sent, and that the peer has not
    /// acknowledged as durable.
    package var unacknowledgedBytes: Int {
        reconciliations.values.reduce(0) { $0 + $1.unacknowledgedBytes }
    }

    /// Whether nothing is under way in either direction as far as this side can know.
    package var isQuiet: Bool {
        state == .talking && reconciliations.values.allSatisfy(\.isQuiet)
    }

    /// This side ends the session; what it still owes the peer is said first.
    package mutating func end(now: Moment) -> [SessionAction] {
        guard state != .closed else { return [] }
        return everywhere(now) { $0.acknowledge(now) } + perform([.close(.local)], now)
    }

    // MARK: Messages

    private var hello: Message {
        .hello(
            Hello(
                run: run,
                casebooks: openings.map {
                    Hello.Casebook(id: $0.casebook, clockDigest: $0.clock.digest)
                }))
    }

    private mutating func receiveFirst(_ message: Message) -> [SessionAction] {
        let theirs: Hello
        switch message {
        case .hello(let hello): theirs = hello
        // Why it doesn't want to talk; anything but the peer's violation.
        case .close(let close): return [.close(.byPeer(close.code))]
        default: return [.close(.violation("the first message is no hello"))]
        }
        guard theirs.version >= Hello.currentVersion else {
            return [.close(.incompatible(.version, "version \(theirs.version)"))]
        }
        guard theirs.requiredFeatures & ~Session.knownFeatures == 0 else {
            return [.close(.incompatible(.feature, "required features \(theirs.requiredFeatures)"))]
        }
        var actions: [SessionAction] = state == .fresh ? [.send(hello)] : []
        state = .talking
        peerRun = theirs.run
        theirCasebooks = theirs.casebooks.map(\.id)
        for (index, opening) in openings.enumerated() {
            guard let other = theirs.casebooks.first(where: { $0.id == opening.casebook }) else {
                continue
            }
            var reconciliation = Reconciliation(
                opening: opening, index: index, theirDigest: other.clockDigest)
            actions += reconciliation.begin()
            reconciliations[opening.casebook] = reconciliation
        }
        return actions
    }

    private mutating func receiveNext(_ message: Message) -> [SessionAction] {
        switch message {
        case .hello:
            [.close(.violation("a second hello"))]
        case .clock(let clock):
            about(clock.casebook) { $0.receive(clock) }
        case .clockRequest(let index):
            about(index) { $0.receiveClockRequest() }
        case .batch(let index, let bytes):
            about(index) { $0.receive(batch: bytes) }
        case .acknowledgement(let index, let entries):
            about(index) { $0.receiveAcknowledgement(entries) }
        case .caughtUp(let index, _):
            about(index) { $0.receiveCaughtUp() }
        case .addresses(let index, let addresses):
            about(index) { [.rememberAddresses(casebook: $0.casebook, addresses)] }
        case .ping(let number):
            receivePing(number)
        case .pong(let number):
            receivePong(number)
        case .locator(let locator):
            about(locator.casebook) { $0.receive(locator) }
        case .want(let want):
            about(want.casebook) { $0.receive(want) }
        case .welcome:
            []
        case .join, .ticket:
            [.close(.violation("a request to join inside a session"))]
        case .close(let close):
            [.close(.byPeer(close.code))]
        }
    }

    /// A pong promises that all there was to send when the ping came has been sent, so it waits.
    private mutating func receivePing(_ number: UInt64) -> [SessionAction] {
        guard pendingPongs.count < Session.pendingPongLimit else {
            return [.close(.violation("too many pings at once"))]
        }
        pendingPongs.append(number)
        return []
    }

    /// The number of a ping after what one of our casebooks asks for again; no caller's numbers come
    /// near.
    static func wantBarrier(_ index: Int) -> UInt64 { .max - UInt64(index) }

    private mutating func receivePong(_ number: UInt64) -> [SessionAction] {
        guard let index = openings.indices.first(where: { Session.wantBarrier($0) == number })
        else { return [.passed(barrier: number)] }
        let casebook = openings[index].casebook
        guard reconciliations[casebook] != nil else { return [] }
        return call(casebook) { $0.wantsAnswered() }
    }

    /// The pongs that are due now.
    private mutating func duePongs() -> [SessionAction] {
        guard isWritable, !pendingPongs.isEmpty,
            reconciliations.values.allSatisfy(\.hasSentEverything)
        else { return [] }
        defer { pendingPongs = [] }
        return pendingPongs.map { .send(.pong($0)) }
    }

    /// Hands a message to the casebook that the peer's index names.
    private mutating func about(
        _ index: Int, _ body: (inout Reconciliation) -> [SessionAction]
    ) -> [SessionAction] {
        guard theirCasebooks.indices.contains(index) else {
            return [.close(.violation("a casebook index that the hello didn't name"))]
        }
        let casebook = theirCasebooks[index]
        guard reconciliations[casebook] != nil else { return [] }
        return call(casebook, body)
    }

    private mutating func with(
        _ casebook: Digest, _ now: Moment, _ body: (inout Reconciliation) -> [SessionAction]
    ) -> [SessionAction] {
        guard state == .talking, reconciliations[casebook] != nil else { return [] }
        return perform(call(casebook, body), now)
    }

    private mutating func everywhere(
        _ now: Moment, _ body: (inout Reconciliation) -> [SessionAction]
    ) -> [SessionAction] {
        var actions: [SessionAction] = []
        for casebook in reconciliations.keys.sorted() { actions += call(casebook, body) }
        return perform(actions, now)
    }

    /// Calls one casebook's reconciliation, which shares the room for unacknowledged bytes with the
    /// others: what one gives back, the others may use.
    private mutating func call(
        _ casebook: Digest, _ body: (inout Reconciliation) -> [SessionAction]
    ) -> [SessionAction] {
        let before = unacknowledgedBytes
        var actions = step(casebook, body)
        guard unacknowledgedBytes < before else { return actions }
        for other in reconciliations.keys.sorted() where other != casebook {
            actions += step(other) { $0.pump() }
        }
        return actions
    }

    private mutating func step(
        _ casebook: Digest, _ body: (inout Reconciliation) -> [SessionAction]
    ) -> [SessionAction] {
        let own = reconciliations[casebook]!.unacknowledgedBytes
        reconciliations[casebook]!.unacknowledgedElsewhere = unacknowledgedBytes - own
        return body(&reconciliations[casebook]!)
    }

    /// Keeps what the actions mean for this session's own state: nothing follows a close.
    private mutating func perform(_ decided: [SessionAction], _ now: Moment) -> [SessionAction] {
        guard state != .closed else { return [] }
        let actions = decided + duePongs()
        for (index, action) in actions.enumerated() {
            switch action {
            case .send:
                lastSpoken = now
            case .close:
                state = .closed
                return Array(actions[...index])
            case .read, .readLocators, .findShared, .findMissing, .store, .rememberHeard,
                .rememberTold, .rememberAddresses, .heardAll, .caughtUp, .passed:
                break
            }
        }
        return actions
    }
}
