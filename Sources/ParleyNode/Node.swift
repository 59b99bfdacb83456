import Logging
import NIOConcurrencyHelpers
import ParleyCRDT
package import ParleyControl
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTransport
import ParleyWire

/// One running replica, and a router: it owns the casebooks and, in a daemon, the network, and
/// hands every request to whoever answers it.
package final class Node: Sendable {
    package let home: Home
    let identity: Identity
    let shelf: Shelf
    let joining: Joining
    let hub: Hub
    let events: EventBus
    let environment: NodeEnvironment
    let verifying = VerifyProgress()
    private let shown: ShownConflicts
    private let last: LastRecord
    /// Present while the node is on the network.
    private let service = NIOLockedValueBox<PeerService?>(nil)
    /// Casebooks in which something was committed, for `run`.
    private let commits: Agenda<Digest>
    /// Keeps every other process out of the home.
    private let lock: HomeLock

    /// Opens the home for this process alone.
    ///
    /// - Parameter source: of the passphrase of a protected key; `nil` to do without the key, which
    ///   is enough to read.
    /// - Throws: `refused` where another process has it, the daemon's pid named; what
    ///   `Home.identity` and `Home.unlockedIdentity` throw.
    package convenience init(
        home: Home, unlockedBy source: PassphraseSource? = nil,
        environment: NodeEnvironment = .system
    ) async throws {
        try home.check()
        // Before the lock, for which others wait: somebody may have to be asked.
        let unlocked = try source.map { try home.unlockedIdentity(by: $0) }
        let lock = try Node.lock(home, waiting: .seconds(5))
        self.init(
            home: home, identity: try unlocked ?? home.identity(), lock: lock,
            environment: environment)
    }

    /// Whether it can only read, because the key is locked.
    package var isLocked: Bool { identity.isLocked }

    /// - Parameter stopped: called when a casebook can't go on before it is opened again; commands
    ///   end anyway.
    init(
        home: Home, identity: Identity, lock: HomeLock, environment: NodeEnvironment,
        stopped: @escaping @Sendable (StoreError) -> Void = { _ in }
    ) {
        self.home = home
        self.identity = identity
        self.lock = lock
        self.environment = environment
        shown = ShownConflicts(path: home.shownPath)
        last = LastRecord(path: home.lastPath)
        let hub = Hub(own: identity.node)
        self.hub = hub
        let events = EventBus(now: environment.store.wallMilliseconds)
        self.events = events
        let commits = Agenda<Digest>()
        self.commits = commits
        shelf = Shelf(
            home: home, identity: identity, environment: environment, stopped: stopped,
            opened: { commits.add($0.casebookID) },
            moved: { shelf, store, notice in
                CommitNews.announce(notice, of: store, on: shelf, to: hub, events)
                commits.add(store.casebookID)
            })
        joining = Joining(shelf: shelf)
    }

    /// The daemon's network, `nil` when the home is opened by a command.
    var network: PeerService? { service.withLockedValue { $0 } }

    // MARK: Requests

    /// Carries out one request; `watch` needs `stream`.
    package func perform(_ envelope: Envelope) async -> Response {
        do {
            let response = try await answer(envelope)
            noteLast(envelope.request, response)
            return response
        } catch {
            return Response(NodeError(error, doing: "do that"))
        }
    }

    /// The lines of `watch`, until the node stops or nobody listens.
    ///
    /// - Parameter name: of the only casebook that matters, `nil` for all.
    /// - Throws: what `casebook` throws.
    package func watch(casebook name: String? = nil) async throws -> EventLines {
        let only = if let name { try await casebook(name) } else { CasebookStore?.none }
        let (events, first) = events.watch()
        return EventLines(events: events, first: first, only: only) { [shelf] in
            await shelf.stores()
        }
    }

    private func answer(_ envelope: Envelope) async throws -> Response {
        let request = envelope.request
        guard !request.needsKey || !isLocked else {
            throw NodeError(
                .notPermitted,
                "cannot write: the node's key is protected and its passphrase wasn't given. Add --passphrase-file FILE, or type the command at a terminal."
            )
        }
        try shelf.room.check(for: request)
        guard CasebookCommands.handles(request) else { return try await answerAsNode(envelope) }
        let store = try await casebook(envelope.casebook)
        let response = await CasebookCommands(
            store: store, shown: shown, showsAllValues: envelope.showsAllValues
        ) { [last] in last.id }.perform(request)
        if request.protects { await home.removeDrafts(erasedIn: store) }
        return response
    }

    /// The requests that aren't about the records of one casebook.
    private func answerAsNode(_ envelope: Envelope) async throws -> Response {
        let name = envelope.casebook
        return switch envelope.request {
        case .createCasebook(let name): try await createCasebook(name: name)
        case .listCasebooks: try await listCasebooks()
        case .invite(let role, let expiresSeconds, let address):
            try await invite(
                role: role, expiresSeconds: expiresSeconds, address: address, to: casebook(name))
        case .withdrawInvitations: try await withdrawInvitations(of: casebook(name))
        case .join(let code): try await join(code: code)
        case .sync(let peer, let waitSeconds):
            try await sync(peer: peer, waitSeconds: waitSeconds)
        case .status: try await status()
        case .listPeers: try await listPeers(casebook: name)
        case .addPeer(let node, let address):
            try await addPeer(node, address: address, casebook: name)
        case .renamePeer(let peer, let newName):
            try await renamePeer(peer, name: newName, casebook: name)
        case .revokePeer(let peer, let until):
            try await revokePeer(peer, until: until, casebook: name)
        case .setRole(let peer, let role):
            try await setRole(of: peer, to: role, casebook: name)
        case .removePeer(let typed): try await removePeer(typed, casebook: name)
        case .verify: try await verify(casebook: name)
        case .verifyProgress: verifyProgress()
        case .doctor: try await doctor(casebook: name)
        default:
            throw NodeError(
                .unreachable,
                "cannot watch: no daemon runs on \(home.path). Start `parleyd --home \(home.path)`."
            )
        }
    }

    /// Remembers the record a command was about, for `@last`.
    private func noteLast(_ request: Request, _ response: Response) {
        switch request {
        case .new, .edit, .show, .delete, .restore, .resolveConflict, .reopenConflict:
            guard let json = response.json,
                case .object(let members)? = try? JSONParser.parse(json),
                case .string(let record)? = members.first(where: { $0.0 == "record" })?.1
            else { return }
            last.note(record)
        default:
            break
        }
    }

    // MARK: Life

    /// Goes on the network: listens, and dials whom it knows. `run` has to follow.
    ///
    /// - Returns: the bound address.
    func goOnline(
        host: String, port: Int, log: Logger
    ) async throws -> String {
        let stores = await shelf.stores()
        for problem in shelf.problems { log.critical("\(problem.message)") }
        for store in stores { commits.add(store.casebookID) }
        let service = try PeerService(
            shelf: shelf, hub: hub, events: events, clock: environment.clock, log: log)
        self.service.withLockedValue { $0 = service }
        try await service.start(host: host, port: port)
        return service.address ?? "\(host):\(port)"
    }

    /// What a node on the network does by itself, until cancelled.
    func run(log: Logger) async {
        guard let network else { return }
        let caretaker = Caretaker(shelf: shelf, clock: environment.clock, log: log)
        await withDiscardingTaskGroup { group in
            group.addTask { await caretaker.run() }
            group.addTask { await network.followNewAddresses() }
            await commits.attend { casebook in
                caretaker.touched(casebook)
                await followMembers(of: casebook, on: network)
            }
        }
    }

    /// Dials those who became members, greets those anew with whom something else is shared now, and
    /// hangs up on those who were revoked.
    private func followMembers(of casebook: Digest, on network: PeerService) async {
        guard let store = shelf.store(casebook), shelf.haveMembersChanged(of: store) else { return }
        await network.noteHeardAddresses(in: casebook)
        await network.dialNeighbours()
        for session in hub.sessions {
            let shared = Set(shelf.casebooks(of: session.peer))
            if shelf.isRevoked(session.peer) {
                session.revoke()
            } else if !shared.isSubset(of: session.shared) || !shared.isSuperset(of: session.shared)
            {
                session.stop()
            }
        }
    }

    /// Leaves the network, closes the casebooks and lets go of the home.
    package func close() async {
        events.finish()
        await network?.stop()
        await shelf.close()
        last.finish()
        lock.release()
    }

    /// Takes the home's lock, waiting for a command that is about to end, and finishes a restore or a
    /// rewriting of the key that was cut off.
    static func lock(
        _ home: Home, waiting patience: Duration
    ) throws(NodeError) -> HomeLock {
        do {
            switch try HomeLock.acquire(home: home.path, waiting: patience) {
            case .acquired(let lock):
                try home.finishRestoring()
                home.removeOldKeys()
                return lock
            case .held(let pid):
                let holder = pid.map { "process \($0)" } ?? "another process"
                throw NodeError(
                    .refused,
                    "cannot open \(home.path): \(holder) is using it. Stop that one first, or choose another folder with --home."
                )
            }
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(
                .refused,
                "cannot lock \(home.path). Check that the folder is yours and the disk has room.")
        }
    }
}

extension Response {
    init(_ failure: NodeError) {
        self.init(exitCode: failure.kind.rawValue, error: failure.message)
    }
}

extension Request {
    /// Whether it signs something: reading needs no key, nor do the addresses of others.
    package var needsKey: Bool { isEdit || protects || isFounding }

    /// Whether it writes records.
    var isEdit: Bool {
        switch self {
        case .new, .edit, .delete, .restore, .resolveConflict, .reopenConflict, .importLines: true
        default: false
        }
    }

    /// Whether it shuts somebody out or takes something back.
    var protects: Bool {
        switch self {
        case .erase, .redact, .confirmErasures, .revokePeer, .setRole: true
        default: false
        }
    }

    private var isFounding: Bool { if case .createCasebook = self { true } else { false } }
}

extension [UInt8] {
    /// Lower-case hexadecimal digits.
    var hex: String { Hexadecimal.text(of: self) }
}
