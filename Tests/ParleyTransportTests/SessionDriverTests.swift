import NIOCore
import NIOPosix
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleySync
import ParleyTransport
import ParleyWire
import Testing

/// What happens between a connection and the stores while a session begins and ends: over real
/// sockets and TLS, with stores that answer when the test says so.
@Suite(.timeLimit(.minutes(1)))
struct SessionDriverTests {
    let attic: TestNode
    let cellar: TestNode

    init() throws {
        attic = try TestNode()
        cellar = try TestNode()
    }

    /// One signed batch of the attic's log, and the clock that claims it.
    private func batch() throws -> (OutgoingBatch, Clock) {
        let (batches, clocks) = try batches(1)
        return (batches[0], clocks[0])
    }

    /// Signed batches of one change each, and the clocks that claim what has come so far.
    private func batches(_ count: UInt64) throws -> ([OutgoingBatch], [Clock]) {
        let identity = Identity(privateKey: [UInt8](repeating: 7, count: 32))!
        let author = LogAuthor(identity: identity, epoch: 7)
        var batches: [OutgoingBatch] = []
        var clocks: [Clock] = []
        var previous = Digest.zero
        for sequence in 1...count {
            let change = Change(
                origin: author.origin, sequence: sequence, time: HybridTime(milliseconds: sequence),
                contextDelta: [], groups: [.creation(type: FieldName("note")!, [])])
            let run = try author.run(
                of: [change], casebook: ScriptedReplica.casebook, previous: previous,
                seed: [UInt8](repeating: 1, count: 16))
            previous = run.hashes[0]
            let tip = Tip(sequence: sequence, hash: previous.prefix)
            batches.append(
                OutgoingBatch(bytes: run.bytes, origin: run.origin, first: sequence, tip: tip))
            clocks.append(Clock([Clock.Entry(origin: run.origin, tip: tip)]))
        }
        return (batches, clocks)
    }

    private func listen(_ handler: @escaping MakeHandler) async throws -> Listener {
        try await Listener.bind(
            attic.endpoint(knows: [cellar]), host: "127.0.0.1", port: 0, makeHandler: handler)
    }

    private func dial(
        _ listener: Listener, _ handler: @escaping MakeHandler
    ) async throws -> Connection {
        try await Dialer(cellar.endpoint()).dial(
            host: "127.0.0.1", port: listener.port, expecting: attic.id, makeHandler: handler)
    }

    /// Addresses are passed on again only when there are others, however late they were seen.
    @Test func addressesAreToldOnce() async throws {
        func seen(_ ports: Int..., at time: UInt64) -> [PeerAddress] {
            ports.map {
                PeerAddress(
                    node: attic.id, seenMilliseconds: time, address: "192.0.2.1:\($0)")
            }
        }
        let known = [seen(1, at: 1), seen(1, at: 2), seen(1, 2, at: 3)]
        let notes = DriverNotes()
        let listener = try await listen(notes.makeHandler(ScriptedReplica(addresses: known)))
        let receiver = ScriptedReplica()
        let connection = try await dial(listener, DriverNotes().makeHandler(receiver))
        let session = try #require(await notes.opened())
        for _ in 2...3 { session.passOnAddresses() }
        var heard = receiver.heard.makeAsyncIterator()
        #expect(await heard.next()?.map(\.address) == known[0].map(\.address))
        #expect(await heard.next()?.map(\.address) == known[2].map(\.address))
        connection.close(.finished)
        await listener.close()
    }

    /// The peer hangs up while the stores are still being read: the session never opens, and what
    /// the stores answer then does no harm.
    @Test func aConnectionThatClosesWhileStoresAreReadNeverOpens() async throws {
        let gate = Gate()
        let notes = DriverNotes()
        let listener = try await listen(notes.makeHandler(ScriptedReplica(gate: gate)))
        let connection = try await dial(listener, DriverNotes().makeHandler(ScriptedReplica()))
        _ = await gate.arrivals.first { _ in true }
        connection.close(.finished)
        guard case .closed = await notes.next() else {
            Issue.record("the session opened")
            return
        }
        gate.open()
        let again = try await dial(listener, DriverNotes().makeHandler(ScriptedReplica()))
        #expect(await notes.opened() != nil, "the next one opens as if nothing had happened")
        again.close(.finished)
        await listener.close()
    }

    /// A change that is committed after the session has read what it opens with, and before it is
    /// registered to hear of commits, goes out all the same, before a sync counts as complete.
    @Test func whatIsCommittedWhileASessionOpensIsPassedOn() async throws {
        let (batch, clock) = try batch()
        let sender = ScriptedReplica(clocks: [Clock(), clock], batches: [batch])
        let receiver = ScriptedReplica()
        let listener = try await listen(DriverNotes().makeHandler(sender))
        let notes = DriverNotes()
        let connection = try await dial(listener, notes.makeHandler(receiver))
        _ = try #require(await notes.opened())
        #expect(await receiver.stored.first { _ in true } == batch.bytes)
        connection.close(.finished)
        await listener.close()
    }

    /// What a peer says faster than it can be noted waits on the wire, not here.
    @Test func notesAreTakenOneAfterTheOther() async throws {
        let gate = Gate()
        let receiver = ScriptedReplica(noting: gate)
        let listener = try await listen(DriverNotes().makeHandler(receiver))
        let notes = DriverNotes()
        let connection = try await dial(listener, notes.makeHandler(ScriptedReplica()))
        _ = try #require(await notes.opened())
        let address = PeerAddress(node: cellar.id, seenMilliseconds: 1, address: "cellar:1")
        connection.eventLoop.execute {
            for _ in 0..<100 {
                connection.send(Frame.encode(.addresses(casebook: 0, [address])))
            }
        }
        _ = await gate.arrivals.first { _ in true }
        gate.open()
        var count = 0
        for await _ in receiver.heard {
            count += 1
            if count == 100 { break }
        }
        #expect(receiver.mostNoting == 1)
        connection.close(.finished)
        await listener.close()
    }

    /// Whoever asks a session that has ended is answered, and never with what was told before.
    @Test func aSessionThatHasEndedStillAnswers() async throws {
        let (batch, clock) = try batch()
        let notes = DriverNotes()
        let listener = try await listen(
            notes.makeHandler(ScriptedReplica(clocks: [clock], batches: [batch])))
        let receiver = ScriptedReplica()
        let connection = try await dial(listener, DriverNotes().makeHandler(receiver))
        let handle = try #require(await notes.opened())
        _ = await receiver.stored.first { _ in true }
        let before = await handle.progress()
        #expect(before.sent == 1 && before.wasConnected)
        connection.close(.finished)
        guard case .closed = await notes.next() else {
            Issue.record("it didn't end")
            return
        }
        let report = await handle.sync()
        #expect(!report.isComplete && report.sent == 0)
        await listener.close()
    }

    /// Whoever doesn't wait any longer for a sync takes no news with them: the next to ask hears of
    /// all that came.
    @Test func aSyncThatIsGivenUpLeavesTheNews() async throws {
        let (batch, clock) = try batch()
        let sending = Gate()
        let sender = ScriptedReplica(clocks: [clock], batches: [batch], sending: sending)
        let receiver = ScriptedReplica(conflicts: [RecordID(7): 1])
        let listener = try await listen(DriverNotes().makeHandler(sender))
        let notes = DriverNotes()
        let connection = try await dial(listener, notes.makeHandler(receiver))
        let handle = try #require(await notes.opened())
        let first = Task { await handle.sync() }
        _ = await sending.arrivals.first { _ in true }
        first.cancel()
        sending.open()
        #expect(await receiver.stored.first { _ in true } == batch.bytes)
        handle.moved(
            Movement(
                casebook: ScriptedReplica.casebook, held: clock.entries, applied: clock.entries,
                isLocal: false))
        let second = await handle.sync()
        #expect(second.isComplete && second.received == 1 && second.conflicts == 1)
        #expect(await !first.value.isComplete)
        connection.close(.finished)
        await listener.close()
    }

    /// A peer that answers nothing is asked once, however many wait for it: more than 64 pings at
    /// once would break the protocol.
    @Test func onePingIsUnansweredAtATime() async throws {
        let peer = Greeter()
        let listener = try await listen(peer.probe.makeHandler)
        let notes = DriverNotes()
        let connection = try await dial(listener, notes.makeHandler(ScriptedReplica()))
        let handle = try #require(await notes.opened())
        let reports = await withTaskGroup(of: SyncReport.self) { group in
            for _ in 0..<70 { group.addTask { await handle.sync() } }
            _ = await peer.pings.first { _ in true }
            connection.close(.finished)
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(reports.allSatisfy { !$0.isComplete })
        _ = await peer.probe.closing()
        #expect(peer.pingCount == 1)
        await listener.close()
    }

    /// An answer that was on its way already promises nothing about what was written since, so
    /// who comes later asks anew.
    @Test func whoComesWhileAPingIsUnansweredSharesTheNext() async throws {
        let peer = Greeter(answersLaterPings: true)
        let listener = try await listen(peer.probe.makeHandler)
        let notes = DriverNotes()
        let connection = try await dial(listener, notes.makeHandler(ScriptedReplica()))
        let handle = try #require(await notes.opened())
        async let first = handle.sync()
        let ping = try #require(await peer.pings.first { _ in true })
        async let second = handle.sync()
        _ = await handle.progress()
        ping.answer()
        #expect(await first.isComplete)
        #expect(await second.isComplete)
        #expect(peer.pingCount == 2)
        connection.close(.finished)
        await listener.close()
    }

    /// What a session had under way when its connection ended is room for the others again.
    @Test func aConnectionThatEndsGivesItsRoomBack() async throws {
        let (batch, clock) = try batch()
        let budget = SendBudget(bytes: Limits.batchBytes)
        let sender = ScriptedReplica(clocks: [clock], batches: [batch])
        let listener = try await listen(DriverNotes().makeHandler(sender, budget: budget))
        // Never says that anything is held, so that nothing is acknowledged.
        let receiver = ScriptedReplica()
        for _ in 0..<2 {
            let connection = try await dial(listener, DriverNotes().makeHandler(receiver))
            #expect(await receiver.stored.first { _ in true } == batch.bytes)
            connection.close(.finished)
        }
        await listener.close()
    }

    /// While a session waits for room for its next read, what it gets acknowledged is room for
    /// that read: with room for one at a time everything goes out all the same.
    @Test func whatIsAcknowledgedIsRoomForTheNextRead() async throws {
        let (batches, clocks) = try batches(3)
        let budget = SendBudget(bytes: Limits.batchBytes)
        let listener = try await listen(
            DriverNotes().makeHandler(
                ScriptedReplica(clocks: clocks.suffix(1), batches: batches), budget: budget))
        let receiver = ScriptedReplica()
        let notes = DriverNotes()
        let connection = try await dial(listener, notes.makeHandler(receiver))
        let handle = try #require(await notes.opened())
        for (batch, clock) in zip(batches, clocks) {
            #expect(await receiver.stored.first { _ in true } == batch.bytes)
            handle.moved(
                Movement(
                    casebook: ScriptedReplica.casebook, held: clock.entries, applied: [],
                    isLocal: false))
        }
        #expect(await handle.sync().isComplete)
        connection.close(.finished)
        await listener.close()
    }

    /// Whoever waits for room and goes leaves no trace among those who wait.
    @Test func aConnectionThatEndsWaitsForRoomNoLonger() async throws {
        let (batch, clock) = try batch()
        let budget = SendBudget(bytes: Limits.batchBytes)
        budget.take(1) {}
        let sending = DriverNotes()
        let sender = ScriptedReplica(clocks: [clock], batches: [batch])
        let listener = try await listen(sending.makeHandler(sender, budget: budget))
        let connection = try await dial(listener, DriverNotes().makeHandler(ScriptedReplica()))
        let handle = try #require(await sending.opened())
        while budget.waitingCount == 0 { _ = await handle.progress() }
        connection.close(.finished)
        guard case .closed = await sending.next() else {
            Issue.record("it didn't end")
            return
        }
        #expect(budget.waitingCount == 0)
        await listener.close()
    }
}
