package import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
package import ParleySync
package import ParleyTransport
package import ParleyWire

/// The stores as sessions see them.
package struct StoreReplica: Replica {
    let shelf: Shelf
    let taken: TakenAddresses
    let heard = HeardAddresses()
    /// Where this node itself can be reached, to pass on to members.
    let ownAddress: @Sendable () -> String?
    /// Called with a member of whom a new address has become known.
    let learned: @Sendable (NodeID) -> Void
    /// Called once with what to do when the disk begins to have too little room for what others send,
    /// or a casebook's file can't be read or written.
    let troubled: @Sendable (NodeError) -> Void
    let clock: NodeClock
    /// Admits strangers.
    let joining: Joining

    package init(
        shelf: Shelf, taken: TakenAddresses, ownAddress: @escaping @Sendable () -> String?,
        learned: @escaping @Sendable (NodeID) -> Void,
        troubled: @escaping @Sendable (NodeError) -> Void, clock: NodeClock
    ) {
        self.shelf = shelf
        self.taken = taken
        self.ownAddress = ownAddress
        self.learned = learned
        self.troubled = troubled
        self.clock = clock
        joining = Joining(shelf: shelf)
    }

    package func openings(for peer: NodeID) async -> [Reconciliation.Opening] {
        var openings: [Reconciliation.Opening] = []
        for store in await shelf.stores() {
            guard shelf.isMember(peer, of: store.casebookID) else { continue }
            let known = try? await store.read { try $0.neighbour(peer) }
            let held = store.heldClock
            openings.append(
                Reconciliation.Opening(
                    casebook: store.casebookID, clock: held, applied: store.appliedClock,
                    untold: held.entries(movedSince: known?.told ?? Clock()),
                    heard: known?.heard ?? Clock()))
        }
        return openings
    }

    package func batches(
        in casebook: Digest, for peer: NodeID, _ request: ReadRequest, byteLimit: Int
    ) async -> ReadOutcome {
        if !shelf.coordinateTogether(with: peer, in: casebook) {
            guard await shelf.room.mayPassOn() else { return .refused(.diskFull) }
        }
        guard shelf.isMember(peer, of: casebook) else { return .refused(.revoked) }
        guard let store = shelf.store(casebook) else { return .unable }
        do {
            switch request {
            case .next(let logs):
                let read = try await store.batches(for: logs, byteLimit: byteLimit)
                return .read(
                    OutgoingRead(
                        batches: StoredBatch.packing(read.batches).map(OutgoingBatch.init),
                        withheld: read.withheld, parted: read.parted))
            case .again(let range, let log):
                let runs = try await store.runs(with: range, for: log, byteLimit: byteLimit)
                return .read(OutgoingRead(batches: runs.map(OutgoingBatch.init)))
            }
        } catch {
            tell(of: error, in: store, doing: "read for others")
            return .unable
        }
    }

    private func tell(of error: any Error, in store: CasebookStore, doing deed: String) {
        if let trouble = shelf.noteFailure(error, of: store, doing: deed) { troubled(trouble) }
    }

    package func missing(in casebook: Digest) async -> [ChangeRange] {
        (try? await shelf.store(casebook)?.read { try $0.missingRuns() }) ?? []
    }

    package func locators(of origin: Origin, in casebook: Digest) async -> [[Tip]] {
        (try? await shelf.store(casebook)?.locators(of: origin)) ?? []
    }

    package func newestShared(
        of origin: Origin, among points: [Tip], in casebook: Digest
    ) async -> Tip? {
        try? await shelf.store(casebook)?.newestShared(of: origin, among: points)
    }

    package func check(
        _ batches: [[UInt8]], after runs: [LogRun], from peer: NodeID, in casebook: Digest
    ) async -> CheckedBatches {
        let all = batches.count
        guard let store = shelf.store(casebook) else {
            return CheckedBatches(count: all) { .unable }
        }
        guard shelf.room.allowsIntake else {
            return CheckedBatches(count: all) { refuseForRoom(peer, casebook, wasTried: false) }
        }
        do {
            let prepared = try await store.prepareTogether(
                batches, after: runs, atLeast: SessionDriver.batchesPerTransaction)
            return CheckedBatches(count: prepared.count, runs: prepared.map(\.batch.run)) {
                await take(prepared, from: peer, into: store)
            }
        } catch let error as LogError where !error.isForgery {
            return CheckedBatches(count: all) { outcome(of: error, from: peer, in: store) }
        } catch {
            // What it follows may come by way of others until it is its turn: then it is judged.
            return CheckedBatches(count: 1) {
                do {
                    let first = try await store.prepare([batches[0]])
                    return await take(first, from: peer, into: store)
                } catch {
                    return outcome(of: error, from: peer, in: store)
                }
            }
        }
    }

    private func take(
        _ prepared: [PreparedBatch], from peer: NodeID, into store: CasebookStore
    ) async -> StoreOutcome {
        do {
            let report = try await ingest(prepared, into: store)
            shelf.room.intakeSucceeded(from: peer, in: store.casebookID)
            return .stored(
                runs: prepared.map { StoredRun($0.batch) }, conflicts: report.openConflicts,
                uninterpreted: report.uninterpreted)
        } catch {
            return outcome(of: error, from: peer, in: store)
        }
    }

    /// Takes batches in, all in one transaction; where one of them is refused, those before it.
    private func ingest(
        _ prepared: [PreparedBatch], into store: CasebookStore
    ) async throws -> IngestReport {
        do {
            return try await store.ingest(prepared)
        } catch let error as StoreError where error.isPeersFault && prepared.count > 1 {
            var whole = IngestReport()
            for batch in prepared {
                let report = try await store.ingest([batch])
                whole.openConflicts.merge(report.openConflicts) { $1 }
                whole.uninterpreted += report.uninterpreted
            }
            return whole
        }
    }

    /// What became of batches that can't be taken in.
    private func outcome(
        of error: any Error, from peer: NodeID, in store: CasebookStore
    ) -> StoreOutcome {
        switch error {
        case let error as LogError: return .refused(error.isForgery ? .badSignature : .corrupt)
        case StoreError.full: return refuseForRoom(peer, store.casebookID, wasTried: true)
        case let error as StoreError where error.isPeersFault:
            return .refused(.protocolViolation)
        default:
            tell(of: error, in: store, doing: "take what others send into")
            return .unable
        }
    }

    private func refuseForRoom(
        _ peer: NodeID, _ casebook: Digest, wasTried: Bool
    ) -> StoreOutcome {
        let isNews = shelf.room.intakeFailed(from: peer, in: casebook, wasTried: wasTried)
        if isNews, let problem = shelf.room.problem { troubled(problem) }
        return .refused(.diskFull)
    }

    package func rememberHeard(_ clock: Clock, from peer: NodeID, in casebook: Digest) async {
        try? await shelf.store(casebook)?.noteHeard(clock.entries, whole: true, from: peer)
    }

    package func rememberTold(_ opening: Reconciliation.Opening, to peer: NodeID) async {
        guard let store = shelf.store(opening.casebook), !opening.untold.isEmpty else { return }
        try? await store.noteTold(opening.clock, to: peer)
    }

    package func heardAll(from peer: NodeID, in casebook: Digest) {
        shelf.room.heardAll(from: peer, in: casebook)
    }

    package func rememberExchange(with peer: NodeID, in casebook: Digest) async {
        try? await shelf.store(casebook)?.noteSync(with: peer)
    }

    package func rememberAddresses(_ addresses: [PeerAddress], in casebook: Digest) async {
        heard.add(addresses.filter { $0.node != shelf.identity.node }, in: casebook)
        switch heard.turn(in: casebook, at: clock.now()) {
        case .now: await noteHeard(in: casebook)
        case .byAnother: break
        case .after(let rest):
            // Not in the peer's way, who may have more to say.
            Task {
                try? await clock.sleep(rest)
                heard.takeTurn(in: casebook, at: clock.now())
                await noteHeard(in: casebook)
            }
        }
    }

    /// Notes what was heard of those who are members by now.
    func noteHeard(in casebook: Digest) async {
        guard let store = shelf.store(casebook) else { return }
        let addresses = heard.take(in: casebook) { shelf.isMember($0, of: casebook) }
        guard !addresses.isEmpty else { return }
        let known = (try? await store.read { try $0.addresses() }) ?? []
        try? await store.write { scope in
            for address in addresses {
                try scope.noteAddress(
                    address.address, of: address.node, seenMilliseconds: address.seenMilliseconds)
            }
        }
        let pairs = Set(known.map { "\($0.node.text) \($0.address)" })
        for address in addresses where !pairs.contains("\(address.node.text) \(address.address)") {
            learned(address.node)
        }
    }

    package func addresses(in casebook: Digest) async -> [PeerAddress] {
        guard let store = shelf.store(casebook) else { return [] }
        let now = shelf.environment.wallMilliseconds()
        var addresses = ((try? await store.read { try $0.addresses() }) ?? [])
            .filter { !taken.contains($0.address, of: $0.node) }
        if let own = ownAddress() {
            addresses.insert(
                PeerAddress(node: shelf.identity.node, seenMilliseconds: now, address: own), at: 0)
        }
        return addresses
    }

    package func admit(_ join: Join, from peer: NodeID) async -> Ticket? {
        await joining.admit(join, from: peer)
    }

    package func accepts(_ ticket: Ticket, from peer: NodeID) async -> Bool {
        joining.accepts(ticket, from: peer)
    }
}

extension OutgoingBatch {
    fileprivate init(_ batch: StoredBatch) {
        self.init(
            bytes: batch.bytes, origin: batch.origin, first: batch.first, tip: batch.tip,
            hasBranches: batch.hasBranches, previous: batch.previous)
    }
}

extension StoredRun {
    fileprivate init(_ batch: VerifiedBatch) {
        let hash = batch.hashes[batch.hashes.count - 1]
        self.init(
            previous: batch.first == 1
                ? nil : Tip(sequence: batch.first - 1, hash: batch.previous.prefix),
            end: Tip(sequence: batch.last, hash: hash.prefix))
    }
}

extension LogError {
    /// Whether the encoding was sound and the content a lie.
    fileprivate var isForgery: Bool {
        switch code {
        case .malformed: false
        case .wrongSignature, .wrongPredecessor, .saltMissing, .wrongFounding: true
        }
    }
}

extension StoreError {
    /// Whether the peer sent what no honest peer sends.
    fileprivate var isPeersFault: Bool {
        switch self {
        case .gap, .strangersLog, .wrongCasebook, .tooLarge, .log: true
        default: false
        }
    }
}
