import NIOCore
import ParleyCRDT
import ParleyModel
package import ParleySync
package import ParleyWire

/// Drives one session over one connection: translates events, calls the session, performs its
/// actions. Rules about the protocol belong in `Session`, not here.
///
/// Confined to its connection's event loop; `SessionHandle` is the way in from elsewhere.
package final class SessionDriver: ConnectionHandler {
    /// Bytes handed to the store and not yet taken, beyond which reading pauses. A polite peer
    /// stops by itself at 4 MiB that aren't acknowledged.
    static let storingLimit = 6 << 20
    /// Batches that go into one transaction, and how many bytes of columns more of them may have.
    package static let batchesPerTransaction = 4
    package static let columnsPerTransaction = 128 * 1024

    let connection: Connection
    let replica: any Replica
    let observer: Observer
    private let run: UInt64
    private let budget: SendBudget
    let now: @Sendable () -> Moment
    /// What to say instead of a hello where this side is about to join.
    let join: Join?
    /// A coordinator's word for this node, where the peer may not have heard of it.
    let tickets: [Ticket]
    /// Whether the peer's hello is waited for: it is known, or a ticket speaks for it.
    var mayGreet: Bool

    var session: Session?
    private var openings: [Digest: Reconciliation.Opening] = [:]
    /// What came while the stores were being read; it is handled afterwards.
    var early: [Message] = []
    var isLoading = false
    /// How the connection ended, once it has.
    private var ending: CloseReason?
    var isClosed: Bool { ending != nil }
    private var hasOpened = false
    private var hasHeard = false
    /// Casebooks of which both sides had what the other offered.
    var settled: Set<Digest> = []
    /// What had been exchanged when the store was last told that this peer was met.
    var noted: [Digest: SessionTally] = [:]
    var intake = BatchIntake()
    /// What the store is to note, beyond the one thing that it is noting.
    var notes: [@Sendable (any Replica) async -> Void] = []
    var isNoting = false
    static let notesLimit = 16
    /// What was passed on last, by casebook, whenever it was seen.
    private var toldAddresses: [Digest: Set<PeerAddress>] = [:]
    private var share: SendShare
    private var timer: (at: Moment, timer: ConnectionTimer)?
    private var waiters = SyncWaiters()
    var account = SessionAccount()
    /// More precise than what the session can know about why the store refused.
    var refusal: CloseReason?

    package init(
        connection: Connection, replica: any Replica, observer: Observer, run: UInt64,
        budget: SendBudget, join: Join? = nil, tickets: [Ticket] = [],
        now: @escaping @Sendable () -> Moment
    ) {
        self.connection = connection
        self.replica = replica
        self.observer = observer
        self.run = run
        self.budget = budget
        self.join = join
        self.tickets = tickets
        mayGreet = connection.isKnown
        self.now = now
        share = SendShare(of: budget)
    }

    var handle: SessionHandle {
        SessionHandle(
            connection: connection, shared: session?.shared ?? [],
            driver: NIOLoopBound(self, eventLoop: connection.eventLoop))
    }

    // MARK: Connection events

    package func connected() {
        if let join {
            connection.send(Frame.encode(.join(join)))
        } else if connection.isInitiator {
            for ticket in tickets { connection.send(Frame.encode(.ticket(ticket))) }
            load()
        }
    }

    package func received(tag: UInt8, payload: [UInt8]) {
        hasHeard = true
        let message: Message?
        do {
            message = try Message(tag: tag, payload: payload)
        } catch {
            return end(.corrupt, Close(.malformed, text: "a message that can't be read"))
        }
        if let message { takeUp(message) }
    }

    func takeUp(_ message: Message) {
        if isLoading {
            early.append(message)
        } else if session != nil {
            handle { $0.receive(message, now: self.now()) }
        } else {
            receiveAtTheDoor(message)
        }
    }

    package func writabilityChanged(_ isWritable: Bool) {
        handle { $0.setWritable(isWritable, now: self.now()) }
    }

    package func closed(_ end: CloseReason) {
        let isMute = connection.isInitiator && !hasHeard && join == nil
        let reason =
            isMute && [.closedByPeer, .connectionLost].contains(end) ? CloseReason.turnedAway : end
        timer?.timer.cancel()
        timer = nil
        ending = reason
        let handle = handle
        var last = progress()
        last.failure = reason
        let hasSettled = session.map { settled.isSuperset(of: $0.shared) && hasOpened } ?? false
        noteExchanges()
        session = nil
        // With the session go its tallies; there is nothing left to be told.
        account = SessionAccount()
        share.end()
        waiters.fail(last)
        observer.closed(handle, SessionOutcome(reason: reason, hasSettled: hasSettled))
    }

    // MARK: The session

    /// Reads from the stores what the session opens with.
    func load() {
        isLoading = true
        connection.setReading(false)
        let (replica, peer) = (replica, connection.peer)
        connection.run(
            { await replica.openings(for: peer) },
            then: { [self] openings in
                isLoading = false
                guard !isClosed else { return }
                resumeReading()
                let side: Session.Side = connection.isInitiator ? .initiator : .responder
                session = Session(side: side, run: run, openings: openings, now: now())
                for opening in openings { self.openings[opening.casebook] = opening }
                handle { $0.start(now: self.now()) }
                receiveEarly()
            })
    }

    /// Calls the session and performs what it answers.
    func handle(_ body: (inout Session) -> [SessionAction]) {
        guard session != nil else { return }
        let actions = body(&session!)
        for action in actions { perform(action) }
        share.settle(underWay: session?.unacknowledgedBytes ?? 0)
        noteOpened()
        reschedule()
        waiters.check(isQuiet: session?.isQuiet ?? false) { news() }
    }

    private func perform(_ action: SessionAction) {
        switch action {
        case .send(let message):
            connection.send(Frame.encode(message))
        case .readLocators(let casebook, let origin):
            readLocators(of: origin, in: casebook)
        case .findShared(let casebook, let origin, let points):
            findShared(of: origin, among: points, in: casebook)
        case .findMissing(let casebook):
            findMissing(in: casebook)
        case .read(let casebook, let request, let byteLimit):
            let driver = NIOLoopBound(self, eventLoop: connection.eventLoop)
            share.ask(byteLimit, for: casebook) { [budget, eventLoop = connection.eventLoop] in
                eventLoop.execute {
                    let driver = driver.value
                    guard !driver.isClosed else { return budget.giveBack(byteLimit) }
                    driver.share.granted(for: casebook)
                    driver.read(casebook, request, byteLimit)
                }
            }
        case .store(let casebook, let batch):
            intake.append(batch, casebook)
            if intake.byteCount > SessionDriver.storingLimit { connection.setReading(false) }
            storeNext()
        case .rememberHeard(let casebook, let clock):
            remember { [peer = connection.peer] in
                await $0.rememberHeard(clock, from: peer, in: casebook)
            }
        case .rememberTold(let casebook):
            guard let opening = openings[casebook] else { return }
            remember { [peer = connection.peer] in await $0.rememberTold(opening, to: peer) }
        case .rememberAddresses(let casebook, let addresses):
            remember { await $0.rememberAddresses(addresses, in: casebook) }
        case .heardAll(let casebook):
            replica.heardAll(from: connection.peer, in: casebook)
        case .caughtUp(let casebook):
            settled.insert(casebook)
            noteExchanges()
        case .passed(let number):
            waiters.passed(number)
            ping()
        case .close(let reason):
            end(refusal ?? CloseReason(reason), refusal?.close ?? reason.close)
        }
    }

    private func noteOpened() {
        guard !hasOpened, let run = session?.peerRun else { return }
        hasOpened = true
        observer.opened(handle, run)
        catchUp()
        ping()
        passOnAddresses()
    }

    /// Tells the session what was committed between reading its openings and being registered.
    ///
    /// Until then nothing further is handled: an answer to a ping would promise too much.
    private func catchUp() {
        isLoading = true
        connection.setReading(false)
        let (replica, peer) = (replica, connection.peer)
        connection.run(
            { await replica.openings(for: peer) },
            then: { [self] now in
                isLoading = false
                resumeReading()
                for opening in now {
                    guard let before = openings[opening.casebook] else { continue }
                    moved(
                        Movement(
                            casebook: opening.casebook,
                            held: opening.clock.entries(movedSince: before.clock),
                            applied: opening.applied.entries(movedSince: before.applied),
                            isLocal: false))
                }
                receiveEarly()
            })
    }

    private func receiveEarly() {
        while !isLoading, !early.isEmpty {
            let message = early.removeFirst()
            handle { $0.receive(message, now: self.now()) }
        }
    }

    func passOnAddresses() {
        for casebook in session?.shared ?? [] {
            let replica = replica
            connection.run(
                { await replica.addresses(in: casebook) },
                then: { [self] addresses in
                    // Of many casebooks one new address would make everybody tell all of them again.
                    let news = Set(
                        addresses.map {
                            PeerAddress(node: $0.node, seenMilliseconds: 0, address: $0.address)
                        })
                    guard !addresses.isEmpty, toldAddresses[casebook] != news else { return }
                    toldAddresses[casebook] = news
                    handle { $0.tell(addresses, in: casebook, now: self.now()) }
                })
        }
    }

    private func reschedule() {
        guard let deadline = session?.deadline else { return }
        guard timer == nil || deadline < timer!.at else { return }
        timer?.timer.cancel()
        let wait = deadline.milliseconds - min(deadline.milliseconds, now().milliseconds)
        let scheduled = connection.schedule(after: .milliseconds(wait)) { [self] in
            timer = nil
            handle { $0.tick(now: self.now()) }
            reschedule()
        }
        timer = (deadline, scheduled)
    }

    func end(_ reason: CloseReason, _ close: Close?) {
        if let close { connection.send(Frame.encode(.close(close))) }
        connection.close(reason)
    }

    // MARK: From the node

    func moved(_ move: Movement) {
        handle {
            $0.moved(
                casebook: move.casebook, held: move.held, applied: move.applied,
                isLocal: move.isLocal, now: self.now())
        }
    }

    /// Answers once everything both sides had at this moment has been exchanged.
    func sync(_ request: SyncRequest, _ answer: @escaping (SyncReport) -> Void) {
        guard !isClosed, !request.isGivenUp else {
            var last = progress()
            last.failure = ending
            return answer(last)
        }
        waiters.add(request, answer)
        ping()
    }

    /// Answers at once. What has come stays news for whoever asks next.
    func giveUp(_ request: SyncRequest) {
        waiters.leave(request) { progress() }
    }

    private func ping() {
        guard hasOpened, let number = waiters.nextPing() else { return }
        handle { $0.barrier(number, now: self.now()) }
    }

    func stop() {
        handle { $0.end(now: self.now()) }
        if session == nil { connection.close(.shuttingDown) }
    }

    func supersede() {
        end(.superseded, Close(.duplicate))
    }

    func revoke() {
        end(.revoked, Close(.revoked))
    }

    private func news() -> SyncReport {
        account.news(
            of: tallies, connection.traffic, SyncReport(peer: connection.peer, isComplete: true))
    }

    /// What has been exchanged since that was last told, complete or not.
    func progress() -> SyncReport {
        account.progress(
            of: tallies, connection.traffic, SyncReport(peer: connection.peer, isComplete: false))
    }

    private var tallies: [SessionTally] { session.map { Array($0.tallies.values) } ?? [] }
}
