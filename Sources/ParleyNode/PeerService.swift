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
    let hub: Hub
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
    /// Where peers that aren't connected were looked for last.
    private var rounds: [NodeID: DialRound] = [:]
    /// Who waits for the end of the next round of dials to a peer.
    private var waiting: [NodeID: [OneShot<DialRound?>]] = [:]

    init(
        shelf: Shelf, hub: Hub, events: EventBus, clock: NodeClock, log: Logger
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
            refusals: RefusalCounters(), isMember: { shelf.isMemberOfAny($0) },
            isRevoked: { shelf.isRevoked($0) })
        let newAddresses = newAddresses
        replica = StoreReplica(
            shelf: shelf, taken: taken, ownAddress: { listening.reachable },
            learned: { newAddresses.add($0) },
            troubled: { log.error("\($0.message)") }, clock: clock)
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

    /// Dials members of whom an address becomes known, and passes it on, until cancelled.
    nonisolated func followNewAddresses() async {
        await newAddresses.attend { peer in
            await poke(peer)
            for session in hub.sessions { session.passOnAddresses() }
        }
    }

    /// An address of a member has become known.
    nonisolated func learned(_ peer: NodeID) { newAddresses.add(peer) }

    /// Takes in what was heard of those who have become members.
    nonisolated func noteHeardAddresses(in casebook: Digest) async {
        await replica.noteHeard(in: casebook)
    }

    func stop() async {
        for loop in loops.values { loop.stop() }
        loops = [:]
        hub.stop()
        await listener?.close()
    }

    /// Starts to dial members that became known, and keeps on with those that are.
    func dialNeighbours() async {
        let neighbours = Set(shelf.neighbours)
        for (peer, loop) in loops where !neighbours.contains(peer) {
            loop.stop()
            loops[peer] = nil
        }
        for peer in neighbours where loops[peer] == nil {
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
        // It may have become known just now. With very many members, looking at all of them for each
        // would take longer than dialling them.
        if loops[peer] == nil { await dialNeighbours() }
        loops[peer]?.poke()
    }

    // MARK: Dialling

    /// Tries a peer's addresses, newest first, until a session stands.
    ///
    /// - Returns: `nil` when one does, else what `DialLoop` has to know of why not.
    private func dial(_ peer: NodeID) async -> CloseReason? {
        let waiting = waiting.removeValue(forKey: peer) ?? []
        let round = await tryAddresses(of: peer)
        rounds[peer] = round
        for waiter in waiting { waiter.finish(round) }
        guard let failure = round?.reason else { return nil }
        log.info(
            "not reached",
            metadata: ["peer": "\(peer.fingerprint)", "reason": "\(failure.rawValue)"])
        // Another node at an old address is nothing the peer did, and no reason to leave it alone.
        return failure == .wrongCertificate ? .connectionLost : failure
    }

    /// - Returns: `nil` when a session with the peer stands.
    private func tryAddresses(of peer: NodeID) async -> DialRound? {
        if hub.session(with: peer) != nil { return nil }
        var round = DialRound()
        for address in await addresses(of: peer) {
            let error = await dial(peer, at: address)
            taken.note(address, of: peer, isTaken: error == .closed(.wrongCertificate))
            guard let error else { return nil }
            round.note(error, at: address)
        }
        return round
    }

    /// What to show to a peer that was never met: it may not know of this node yet.
    private func tickets(for peer: NodeID) async -> [Ticket] {
        var tickets: [Ticket] = []
        for store in await shelf.stores() where shelf.isMember(peer, of: store.casebookID) {
            let ticket = try? await store.read { scope in
                try scope.neighbour(peer)?.lastSync == nil ? scope.ticket() : nil
            }
            if let ticket { tickets.append(ticket) }
        }
        return tickets
    }

    /// - Returns: `nil` when a session with the peer stands, else why none does.
    private func dial(_ peer: NodeID, at address: String) async -> DialError? {
        let outcome = OneShot<CloseReason?>(.timeout)
        let connection: Connection
        do {
            connection = try await connect(
                peer, at: address,
                makeHandler: makeHandler(
                    showing: tickets(for: peer), ended: { outcome.finish($0) }))
        } catch {
            return error
        }
        let patience = Duration.seconds(15)
        let hub = hub
        // Given up when this function is left.
        async let _: Void = {
            if await hub.session(with: peer, within: patience) != nil { outcome.finish(nil) }
        }()
        let failure = await outcome.value(within: patience)
        if failure != nil { connection.close(.timeout) }
        return failure.map { .closed($0) }
    }

    /// Dials a peer now, and waits until all its addresses have been tried in vain.
    ///
    /// - Returns: `nil` where a session stands, or who waits was cancelled.
    func lookFor(_ peer: NodeID) async -> DialRound? {
        let end = OneShot<DialRound?>(nil)
        waiting[peer, default: []].append(end)
        // What is under way began before this was asked; after a poke another round follows.
        await poke(peer)
        return await end.value
    }

    /// Where a peer was looked for last, `nil` where that led to a session.
    func lastRound(of peer: NodeID) -> DialRound? { rounds[peer] }

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
        joining join: Join? = nil, showing tickets: [Ticket] = [],
        welcomed: @escaping @Sendable (Ticket) -> Void = { _ in },
        ended: @escaping @Sendable (CloseReason) -> Void = { _ in }
    ) -> MakeHandler {
        let (replica, run, clock, budget) = (replica, run, clock, budget)
        let observer = observer(welcomed: welcomed, ended: ended)
        return { connection in
            SessionDriver(
                connection: connection, replica: replica, observer: observer, run: run,
                budget: budget, join: join, tickets: tickets, now: { Moment(clock.now()) })
        }
    }

    private nonisolated func observer(
        welcomed: @escaping @Sendable (Ticket) -> Void,
        ended: @escaping @Sendable (CloseReason) -> Void
    ) -> SessionDriver.Observer {
        let (hub, events, log) = (hub, events, log)
        return SessionDriver.Observer(
            opened: { handle, run in
                let isTwin = hub.met(handle.peer, run: run)
                hub.opened(handle, run: run)
                log.info("connected", metadata: ["peer": "\(handle.peer.fingerprint)"])
                if isTwin {
                    log.warning(
                        "one key is used by two running nodes",
                        metadata: ["peer": "\(handle.peer.fingerprint)"])
                    events.post("twice", [("node", .string(handle.peer.text))])
                }
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
