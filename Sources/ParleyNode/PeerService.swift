import Logging
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleySync
import ParleyTransport
import ParleyWire

/// The networking half of a running node: listens, dials whom it knows, and owns the sessions.
actor PeerService {
    let shelf: Shelf
    private let hub: Hub
    private let events: EventBus
    private let log: Logger
    private let endpoint: Endpoint
    private let replica: StoreReplica
    /// Random for each run, so that two connections between the same runs are told apart.
    private let run = UInt64.random(in: .min ... .max)
    private let clock: NodeClock
    private let budget = SendBudget()
    private let listening: Listening
    /// Members of whom an address has just become known: worth dialling now.
    private let newAddresses = Agenda<NodeID>()
    nonisolated let taken = TakenAddresses()
    private var listener: Listener?
    private var loops: [NodeID: DialLoop] = [:]
    private var failures: [NodeID: CloseReason] = [:]

    init(
        shelf: Shelf, hub: Hub, events: EventBus, clock: NodeClock, log: Logger,
        desk: @escaping @Sendable (Join, NodeID) async -> Ticket?
    ) throws {
        self.shelf = shelf
        self.hub = hub
        self.events = events
        self.clock = clock
        self.log = log
        let listening = Listening()
        self.listening = listening
        endpoint = Endpoint(
            certificate: try NodeCertificate(privateKey: shelf.identity.privateKey),
            refusals: RefusalCounters(), isMember: { shelf.isMemberOfAny($0) })
        let newAddresses = newAddresses
        replica = StoreReplica(
            shelf: shelf, taken: taken, ownAddress: { listening.reachable },
            learned: { newAddresses.add($0) },
            ranShort: { log.error("\($0.message)") }, desk: desk)
    }

    nonisolated var refusals: RefusalCounters { endpoint.refusals }

    /// `HOST:PORT` as bound, `nil` before `start`.
    nonisolated var address: String? { listening.bound }

    /// Where others can reach this node, `nil` where that isn't known.
    nonisolated var reachableAddress: String? { listening.reachable }

    // MARK: Life

    func start(host: String, port: Int) async throws {
        let listener = try await Listener.bind(
            endpoint, host: host, port: port, makeHandler: makeHandler())
        self.listener = listener
        listening.set(listener.address)
        await dialNeighbours()
    }

    /// Dials members of whom an address becomes known, until cancelled.
    nonisolated func followNewAddresses() async {
        await newAddresses.attend { await poke($0) }
    }

    func stop() async {
        for loop in loops.values { loop.stop() }
        loops = [:]
        hub.stop()
        await listener?.close()
    }

    /// Starts to dial members that became known, and keeps on with those that are.
    func dialNeighbours() async {
        for peer in shelf.neighbours where loops[peer] == nil {
            let hub = hub
            loops[peer] = DialLoop(
                clock: clock,
                dial: { [weak self] in
                    // `??` would take a dial that led to a session for one that failed.
                    guard let self else { return .shuttingDown }
                    return await dial(peer)
                },
                ended: { await hub.end(of: peer) })
        }
    }

    /// Dials a peer now rather than when its pause is over.
    func poke(_ peer: NodeID) async {
        await dialNeighbours()
        loops[peer]?.poke()
    }

    // MARK: Dialling

    /// Tries a peer's addresses, newest first, until a session stands.
    ///
    /// - Returns: `nil` when one does, else what `DialLoop` has to know of why not.
    private func dial(_ peer: NodeID) async -> CloseReason? {
        if hub.session(with: peer) != nil { return nil }
        var failure = CloseReason.connectionLost
        for address in await addresses(of: peer) {
            let reason = await dial(peer, at: address)
            taken.note(address, of: peer, isTaken: reason == .wrongCertificate)
            guard let reason else {
                failures[peer] = nil
                return nil
            }
            if reason.weight >= failure.weight { failure = reason }
        }
        failures[peer] = failure
        log.info(
            "not reached",
            metadata: ["peer": "\(peer.fingerprint)", "reason": "\(failure.rawValue)"])
        // Another node at an old address is nothing the peer did, and no reason to leave it alone.
        return failure == .wrongCertificate ? .connectionLost : failure
    }

    /// - Returns: `nil` when a session with the peer stands, else why none does.
    private func dial(_ peer: NodeID, at address: String) async -> CloseReason? {
        let outcome = OneShot<CloseReason?>(.timeout)
        let connection: Connection
        do {
            connection = try await connect(
                peer, at: address, makeHandler: makeHandler(ended: { outcome.finish($0) }))
        } catch {
            return error.reason
        }
        let patience = Duration.seconds(15)
        let hub = hub
        // Given up when this function is left.
        async let _: Void = {
            if await hub.session(with: peer, within: patience) != nil { outcome.finish(nil) }
        }()
        let failure = await outcome.value(within: patience)
        if failure != nil { connection.close(.timeout) }
        return failure
    }

    /// Why the last attempt to dial a peer failed, `nil` where it didn't.
    func failure(of peer: NodeID) -> CloseReason? { failures[peer] }

    /// Connects to an address where a peer is expected.
    func connect(
        _ peer: NodeID, at address: String, makeHandler: @escaping MakeHandler
    ) async throws(DialError) -> Connection {
        guard let (host, port) = HostPort.split(address) else {
            throw .unreachable("not an address")
        }
        return try await Dialer(endpoint).dial(
            host: host, port: port, expecting: peer, makeHandler: makeHandler)
    }

    private func addresses(of peer: NodeID) async -> [String] {
        var known: [PeerAddress] = []
        for store in await shelf.stores() {
            known += ((try? await store.read { try $0.addresses() }) ?? [])
                .filter { $0.node == peer }
        }
        var seen: Set<String> = []
        let addresses = known.sorted { $0.seenMilliseconds > $1.seenMilliseconds }.map(\.address)
            .filter { seen.insert($0).inserted }
        return taken.ordered(addresses, of: peer)
    }

    // MARK: Sessions

    nonisolated func makeHandler(
        joining join: Join? = nil, welcomed: @escaping @Sendable (Ticket) -> Void = { _ in },
        ended: @escaping @Sendable (CloseReason) -> Void = { _ in }
    ) -> MakeHandler {
        let (replica, run, clock, budget) = (replica, run, clock, budget)
        let observer = observer(welcomed: welcomed, ended: ended)
        return { connection in
            SessionDriver(
                connection: connection, replica: replica, observer: observer, run: run,
                budget: budget, join: join, now: { Moment(clock.now()) })
        }
    }

    private nonisolated func observer(
        welcomed: @escaping @Sendable (Ticket) -> Void,
        ended: @escaping @Sendable (CloseReason) -> Void
    ) -> SessionDriver.Observer {
        let (hub, events, log) = (hub, events, log)
        return SessionDriver.Observer(
            opened: { handle, run in
                hub.opened(handle, run: run)
                log.info("connected", metadata: ["peer": "\(handle.peer.fingerprint)"])
                events.post("connected", [("node", .string(handle.peer.text))])
            },
            closed: { handle, outcome in
                ended(outcome.reason)
                hub.closed(handle, outcome)
                let reason = outcome.reason.rawValue
                log.info(
                    "disconnected",
                    metadata: ["peer": "\(handle.peer.fingerprint)", "reason": "\(reason)"])
                events.post(
                    "disconnected",
                    [("node", .string(handle.peer.text)), ("reason", .string(reason))])
            },
            welcomed: welcomed)
    }
}

// MARK: Meeting on request

extension PeerService {
    /// Makes sure of a session with a peer and waits until everything has been exchanged.
    ///
    /// Where the session ends meanwhile, for instance because both sides had dialled and one of the
    /// two connections goes, it goes on with the next.
    func sync(with peer: NodeID, within timeout: Duration) async -> SyncReport {
        let deadline = ContinuousClock.now + timeout
        var report = SyncReport(peer: peer, isComplete: false)
        repeat {
            if hub.session(with: peer) == nil { await poke(peer) }
            let left = deadline - ContinuousClock.now
            guard let session = await hub.session(with: peer, within: max(left, .zero)) else {
                break
            }
            let (answer, isTimeUp) = await session.sync(until: deadline)
            report = report.wasConnected ? report.followed(by: answer) : answer
            if isTimeUp || report.failure?.isLasting == true { break }
            if !report.isComplete { hub.leave(session) }
        } while !report.isComplete && ContinuousClock.now < deadline
        if !report.wasConnected { report.failure = failures[peer] }
        return report
    }
}

extension CloseReason {
    /// Of the failures at several addresses the one with the most says most: the peer broke a rule,
    /// somebody else answers, nobody does.
    fileprivate var weight: Int {
        if self == .wrongCertificate { return 1 }
        return isViolation ? 2 : 0
    }
}

extension SessionHandle {
    /// Waits until everything has been exchanged, the connection ends, the time is up or who waits
    /// is cancelled; the last two give the wait up.
    fileprivate func sync(
        until deadline: ContinuousClock.Instant
    ) async -> (report: SyncReport, isTimeUp: Bool) {
        await withTaskGroup(of: SyncReport?.self) { group in
            group.addTask { await sync() }
            group.addTask {
                try? await Task.sleep(until: deadline, clock: .continuous)
                return nil
            }
            var isTimeUp = false
            for await report in group {
                group.cancelAll()
                guard let report else {
                    isTimeUp = true
                    continue
                }
                return (report, !report.isComplete && (isTimeUp || Task.isCancelled))
            }
            preconditionFailure("a sync is always answered")
        }
    }
}
