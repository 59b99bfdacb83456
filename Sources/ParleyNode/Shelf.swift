import NIOConcurrencyHelpers
package import ParleyCRDT
import ParleyCasework
package import ParleyLog
import ParleyModel
package import ParleyStore
import ParleyWire

/// The casebooks of one node, opened when first asked for.
package final class Shelf: Sendable {
    private struct State {
        /// The first opening, under way or done.
        var opening: Task<Void, Never>?
        /// Another try at casebooks for which there was no room, under way.
        var retry: Task<Void, Never>?
        /// The room there was when one couldn't be opened for want of it.
        var roomAtFailure: UInt64 = 0
        var isClosed = false
        /// What is wrong with casebooks, by path.
        var troubles: [String: CasebookTrouble] = [:]
        var stores: [Digest: CasebookStore] = [:]
        /// Who was a member when last looked at, to notice who came.
        var members: [Digest: (all: [Member], suspended: Set<NodeID>)] = [:]
        /// Inviters, whom we trust before their log has arrived, and whether our own admission has.
        var expected: [Digest: (inviter: NodeID, admission: OneShot<Bool>)] = [:]
        var guests = Guests()
    }

    let home: Home
    let identity: Identity
    let environment: StoreEnvironment
    let room: DiskRoom
    private let state = NIOLockedValueBox(State())
    /// Called when a casebook can't go on before it is opened again.
    private let stopped: @Sendable (StoreError) -> Void
    /// Called when a casebook is opened later than the others.
    private let opened: @Sendable (CasebookStore) -> Void
    /// Called for every durable commit of any casebook.
    private let moved: @Sendable (Shelf, CasebookStore, CommitNotice) -> Void

    package init(
        home: Home, identity: Identity, environment: NodeEnvironment,
        stopped: @escaping @Sendable (StoreError) -> Void,
        opened: @escaping @Sendable (CasebookStore) -> Void = { _ in },
        moved: @escaping @Sendable (Shelf, CasebookStore, CommitNotice) -> Void
    ) {
        self.home = home
        self.identity = identity
        self.environment = environment.store.indexing(Schema.casework.indexedFields)
        room = DiskRoom(home: home.path, environment: environment)
        self.stopped = stopped
        self.opened = opened
        self.moved = moved
    }

    /// Opens every casebook of the home, the first time; whoever asks meanwhile waits for that. A
    /// file that two stores have open is a file with two writers.
    ///
    /// One that can't be opened is left out and named in `problems`; the others serve. Where that was
    /// for want of room, and there is more of it now, it is tried again.
    package func stores() async -> [CasebookStore] {
        await firstOpening()?.value
        if hasMoreRoom { await openWhatLackedRoom() }
        return state.withLockedValue { $0.stores.values.sorted { $0.casebookID < $1.casebookID } }
    }

    /// - Returns: `nil` where nothing is opened any more.
    private func firstOpening() -> Task<Void, Never>? {
        state.withLockedValue { state in
            if let opening = state.opening { return opening }
            guard !state.isClosed else { return nil }
            let task = Task { await self.openAll() }
            state.opening = task
            return task
        }
    }

    private func openAll() async {
        home.removeUnfinished()
        let isOpen = Set(state.withLockedValue { $0.stores.values.map(\.path) })
        for path in home.casebookPaths() where !isOpen.contains(path) { _ = await open(path) }
    }

    /// - Returns: the store, which has its place then; `nil` where there is a trouble instead.
    private func open(_ path: String) async -> CasebookStore? {
        do {
            let store = try CasebookStore.open(
                at: path, identity: identity, environment: environment)
            state.withLockedValue { $0.troubles[path] = nil }
            guard store.heldClock.isEmpty else {
                try await place(store)
                return store
            }
            // A join was cut off before anything had come.
            try await store.close()
            home.removeCasebook(path)
        } catch let error as NodeError {
            note(.repeated(error), about: path)
        } catch {
            let room = room.bytes
            state.withLockedValue { $0.roomAtFailure = room }
            let casebook = UnopenedCasebook(
                path: path, hasRoom: room >= FreeSpace.protectionReserve, error)
            note(.unopened(casebook), about: path)
        }
        return nil
    }

    // MARK: Room

    /// Files of casebooks that wait for room to be opened.
    var lackingRoom: [String] { unopened.filter { $0.reason == .full }.map(\.path) }

    private var hasMoreRoom: Bool {
        guard !lackingRoom.isEmpty else { return false }
        return room.bytes > state.withLockedValue { $0.roomAtFailure }
    }

    /// Tries again to open those for which there was no room, and says so of each that is open then.
    ///
    /// Only files that a first try left alone: others may be in the making, or open.
    func openWhatLackedRoom() async {
        let paths = lackingRoom
        let retry = state.withLockedValue { state -> Task<Void, Never>? in
            if let retry = state.retry { return retry }
            guard !state.isClosed, !paths.isEmpty else { return nil }
            state.retry = Task {
                for path in paths {
                    guard let store = await self.open(path) else { continue }
                    // For whoever follows the members, all of them are new.
                    self.state.withLockedValue { $0.members[store.casebookID] = nil }
                    self.opened(store)
                }
                self.state.withLockedValue { $0.retry = nil }
            }
            return state.retry
        }
        await retry?.value
    }

    // MARK: Troubles

    /// When what is held here is passed on though what was refused for want of room doesn't come, by
    /// this node's clock; `nil` where it is passed on now.
    package var passesOnAt: Duration? { room.passesOnAt }

    /// Casebooks that couldn't be opened, sorted by file.
    var unopened: [UnopenedCasebook] { troubles.compactMap(\.unopened) }

    /// What is wrong with the disk and with casebooks, in words, these sorted by file.
    var problems: [NodeError] { [room.problem].compactMap(\.self) + troubles.map(\.error) }

    /// What is wrong with casebooks, sorted by file.
    var troubles: [CasebookTrouble] {
        state.withLockedValue { $0.troubles.sorted { $0.key < $1.key }.map(\.value) }
    }

    func note(_ trouble: CasebookTrouble, about path: String) {
        state.withLockedValue { $0.troubles[path] = trouble }
    }

    /// Notes that a casebook's file keeps something from being done for others, unless more is known of it.
    ///
    /// - Returns: what to say of it, the first time.
    func noteFailure(_ error: any Error, of store: CasebookStore, doing deed: String) -> NodeError?
    {
        switch error {
        case StoreError.damaged, StoreError.database: break
        // Whoever stopped or closed it says so, and for want of room there are words elsewhere.
        default: return nil
        }
        let trouble = NodeError(error, doing: "\(deed) \(store.path)")
        return state.withLockedValue { state in
            guard state.troubles[store.path] == nil else { return nil }
            state.troubles[store.path] = .failing(trouble)
            return trouble
        }
    }

    /// Takes in a casebook that was opened, was just made or is being joined.
    ///
    /// Of two files of one casebook the first stays: sessions and commands rely on it already, and
    /// what is written to one isn't in the other.
    ///
    /// - Throws: `integrity` where another file has its place; `store` is closed then.
    func place(_ store: CasebookStore) async throws(NodeError) {
        let earlier = state.withLockedValue { state -> CasebookStore? in
            if let earlier = state.stores[store.casebookID] { return earlier }
            state.members[store.casebookID] = (store.members, store.suspended)
            state.stores[store.casebookID] = store
            return nil
        }
        if let earlier {
            try? await store.close()
            throw NodeError(repeating: earlier.path, in: store.path)
        }
        store.observeStop(stopped)
        store.observeCommits { [weak self, weak store] notice in
            guard let self, let store else { return }
            noteAdmission(to: store)
            moved(self, store, notice)
        }
    }

    /// Takes out a casebook whose joining failed.
    func remove(_ id: Digest) {
        state.withLockedValue {
            $0.stores[id] = nil
            $0.expected[id] = nil
        }
    }

    func store(_ id: Digest) -> CasebookStore? {
        state.withLockedValue { $0.stores[id] }
    }

    /// Treats a node as a member before the log says so: the inviter, until its log has come.
    func expect(_ node: NodeID, in casebook: Digest) {
        state.withLockedValue { $0.expected[casebook] = (node, OneShot(false)) }
    }

    /// Whether the founding change and this node's own admission have been applied, once they have.
    ///
    /// - Precondition: somebody is expected in the casebook.
    func admission(to store: CasebookStore) -> OneShot<Bool> {
        guard let expected = state.withLockedValue({ $0.expected[store.casebookID] }) else {
            preconditionFailure("nobody is expected in that casebook")
        }
        noteAdmission(to: store)
        return expected.admission
    }

    private func noteAdmission(to store: CasebookStore) {
        guard let expected = state.withLockedValue({ $0.expected[store.casebookID] }),
            store.members.contains(where: { $0.node == identity.node })
        else { return }
        expected.admission.finish(true)
    }

    /// The inviter is a member by the log now, or never will be.
    func expectNobody(in casebook: Digest) {
        state.withLockedValue { $0.expected[casebook] = nil }
    }

    /// Whether the members changed since this was last asked. Guests who have become members, or whose
    /// coordinator is none any more, are guests no longer.
    package func haveMembersChanged(of store: CasebookStore) -> Bool {
        let (members, casebook) = (store.members, store.casebookID)
        let suspended = store.suspended
        return state.withLockedValue { state in
            state.guests.keep(in: casebook) { guest, sponsor in
                members.letsIn(sponsor) && !members.contains { $0.node == guest }
            }
            let before = state.members.updateValue((members, suspended), forKey: casebook)
            return before.map { $0 != (members, suspended) } ?? true
        }
    }

    /// The open casebooks a node is a member of.
    func casebooks(of node: NodeID) -> [Digest] {
        state.withLockedValue { Array($0.stores.keys) }.filter { isMember(node, of: $0) }.sorted()
    }

    /// Answers from memory: it is asked on event loops.
    package func isMember(_ node: NodeID, of casebook: Digest) -> Bool {
        let (store, sponsor, inviter) = state.withLockedValue { state in
            (
                state.stores[casebook], state.guests.sponsor(of: node, in: casebook),
                state.expected[casebook]?.inviter
            )
        }
        let members = store?.members ?? []
        guard store?.suspended.contains(node) != true else { return false }
        if let member = members.first(where: { $0.node == node }) { return !member.isRevoked }
        return inviter == node || sponsor.map(members.letsIn) ?? false
    }

    /// Whether this node and another both coordinate a casebook: what one decides the other must hear.
    func coordinateTogether(with node: NodeID, in casebook: Digest) -> Bool {
        let members = state.withLockedValue { $0.stores[casebook] }?.members ?? []
        return members.coordinates(identity.node) && members.coordinates(node)
    }

    /// Treats a node as a member for whom a ticket speaks.
    ///
    /// - Returns: whether there is room for another one, and who signed coordinates the casebook.
    func receive(guest: NodeID, by coordinator: NodeID, of casebook: Digest) -> Bool {
        state.withLockedValue { state in
            guard let members = state.stores[casebook]?.members,
                !members.contains(where: { $0.node == guest }), members.coordinates(coordinator)
            else { return false }
            return state.guests.receive(guest, by: coordinator, in: casebook)
        }
    }

    package func isMemberOfAny(_ node: NodeID) -> Bool {
        state.withLockedValue { Array($0.stores.keys) }.contains { isMember(node, of: $0) }
    }

    /// Whether a node was a member of something and is of nothing any more.
    func isRevoked(_ node: NodeID) -> Bool {
        let stores = state.withLockedValue { Array($0.stores.values) }
        return stores.contains { $0.members.contains { $0.node == node && $0.isRevoked } }
            && !isMemberOfAny(node)
    }

    /// Everybody who is a member of anything, this node left out, sorted.
    var neighbours: [NodeID] {
        let stores = state.withLockedValue { Array($0.stores.values) }
        let nodes = Set(
            stores.flatMap { $0.members.filter { !$0.isRevoked }.map(\.node) })
        return nodes.subtracting([identity.node]).sorted()
    }

    package func close() async {
        let underWay = state.withLockedValue { state in
            state.isClosed = true
            return [state.opening, state.retry].compactMap(\.self)
        }
        // What is opened after this would stay open.
        for opening in underWay { await opening.value }
        let stores = state.withLockedValue { state -> [CasebookStore] in
            defer { state.stores = [:] }
            return Array(state.stores.values)
        }
        for store in stores { try? await store.close() }
    }
}

extension [Member] {
    /// Whether a guest may stay for whom this node spoke.
    fileprivate func letsIn(_ sponsor: NodeID) -> Bool {
        #if DEBUG
            if PlantedDefect.guestStays.isPlanted { return true }
        #endif
        return coordinates(sponsor)
    }

    fileprivate func coordinates(_ node: NodeID) -> Bool {
        contains { $0.node == node && $0.isCoordinating }
    }
}
