import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleySync
import ParleyWire
import Testing

/// One side by itself: event in, actions out.
struct SessionRuleTests {
    private func session(_ side: Session.Side) -> Session {
        Session(
            side: side, run: 1, openings: [MemoryReplica(1).opening(for: MemoryReplica(2).node)],
            now: Moment(milliseconds: 0))
    }

    private let hello = Message.hello(Hello(run: 2, casebooks: []))
    private let now = Moment(milliseconds: 5)

    @Test func theListeningSideSaysNothingFirst() {
        var responder = session(.responder)
        #expect(responder.start(now: now) == [])
    }

    @Test func aFirstMessageThatIsNoHelloEndsIt() {
        var responder = session(.responder)
        let actions = responder.receive(.ping(1), now: now)
        #expect(actions == [.close(.violation("the first message is no hello"))])
        #expect(responder.receive(hello, now: now) == [])
    }

    @Test func anUnknownRequiredFeatureIsRefused() {
        var responder = session(.responder)
        let demanding = Message.hello(Hello(requiredFeatures: 4, run: 2, casebooks: []))
        #expect(
            responder.receive(demanding, now: now)
                == [.close(.incompatible(.feature, "required features 4"))])
    }

    /// Why the other side doesn't want to talk is no violation on its part.
    @Test func aCloseInPlaceOfAHelloIsHeard() {
        var session = session(.initiator)
        _ = session.start(now: Moment(milliseconds: 0))
        let actions = session.receive(.close(Close(.notAdmitted)), now: Moment(milliseconds: 1))
        #expect(actions == [.close(.byPeer(.notAdmitted))])
    }

    /// A header may say the highest sequence number there is; nothing may add one to it.
    @Test func theHighestSequenceNumberDoesNoHarm() throws {
        var (session, casebook) = talking()
        let origin = Origin(node: MemoryReplica(3).node, epoch: 1)
        var writer = ByteWriter()
        writer.origin(origin)
        writer.varint(UInt64.max)
        writer.varint(1)
        writer.u8(0)
        writer.raw([UInt8](repeating: 0, count: 64))
        let bytes = writer.bytes
        #expect(try Batch.header(of: bytes).last == .max)
        let actions = session.receive(.batch(casebook: 0, bytes: bytes), now: now)
        #expect(actions == [.store(casebook: casebook, batch: bytes)])
    }

    /// A session with a peer that has said hello, with another clock than ours.
    private func talking() -> (Session, Digest) {
        var session = session(.initiator)
        _ = session.start(now: now)
        let casebook = Hello.Casebook(id: MemoryReplica.casebook, clockDigest: HashPrefix(1))
        _ = session.receive(.hello(Hello(run: 2, casebooks: [casebook])), now: now)
        return (session, MemoryReplica.casebook)
    }

    @Test func theWholeClockIsToldOnce() {
        var (session, _) = talking()
        let first = session.receive(.clockRequest(casebook: 0), now: now)
        #expect(first.count == 1)
        let second = session.receive(.clockRequest(casebook: 0), now: now)
        #expect(second == [.close(.violation("a second request for the clock"))])
    }

    /// Thousands of logs that came at once are acknowledged in messages that can be read.
    @Test func veryManyLogsAreAcknowledgedInParts() throws {
        var (session, casebook) = talking()
        let node = MemoryReplica(3).node
        let entries = (0..<5000).map { index in
            Clock.Entry(
                origin: Origin(node: node, epoch: UInt64(index)),
                tip: Tip(sequence: 1, hash: HashPrefix(1)))
        }
        _ = session.moved(
            casebook: casebook, held: entries, applied: [], isLocal: false, now: now)
        var acknowledged: [Clock.Entry] = []
        for action in session.tick(now: now.advanced(byMilliseconds: 100)) {
            guard case .send(let message) = action else { continue }
            let bytes = message.encoded()
            let read = try Message(tag: bytes[0], payload: Array(bytes.dropFirst()))
            guard case .acknowledgement(_, let some)? = read else { continue }
            acknowledged += some
        }
        #expect(acknowledged == entries)
    }

    /// Whoever waits until the deadline and ticks has a later one: nobody spins.
    @Test func everyDeadlineIsFollowedByALaterOne() {
        var greeted = session(.initiator)
        _ = greeted.start(now: now)
        var (talking, casebook) = talking()
        _ = talking.moved(
            casebook: casebook,
            held: [
                Clock.Entry(
                    origin: Origin(node: MemoryReplica(3).node, epoch: 1),
                    tip: Tip(sequence: 1, hash: HashPrefix(1)))
            ], applied: [], isLocal: false, now: now)
        for var session in [greeted, talking, session(.responder)] {
            var moments = 0
            while let deadline = session.deadline, moments < 100 {
                _ = session.tick(now: deadline)
                #expect(session.deadline.map { $0 > deadline } ?? true)
                moments += 1
            }
            #expect(moments > 0 && moments < 10)
        }
    }

    /// However many pages a peer sends, what is kept of its clock has an end.
    @Test func aClockWithoutAnEndEndsIt() {
        var (session, _) = talking()
        let node = MemoryReplica(3).node
        for page in 0..<64 {
            let entries = (0..<1024).map { index in
                Clock.Entry(
                    origin: Origin(node: node, epoch: UInt64(page * 1024 + index)),
                    tip: Tip(sequence: 1, hash: HashPrefix(1)))
            }
            let actions = session.receive(
                .clock(
                    ClockPage(casebook: 0, replacesAll: false, moreFollow: true, entries: entries)),
                now: now)
            let isFull = (page + 1) * 1024 > Limits.clockOrigins
            #expect(actions == (isFull ? [.close(.violation("a clock without an end"))] : []))
            if isFull { return }
        }
        Issue.record("it was never full")
    }

    /// Pages of any size come to the clock they are pages of.
    @Test func pagesOfAClockAddUp() {
        let node = MemoryReplica(3).node
        func entry(_ epoch: UInt64, _ sequence: UInt64) -> Clock.Entry {
            Clock.Entry(
                origin: Origin(node: node, epoch: epoch),
                tip: Tip(sequence: sequence, hash: HashPrefix(1)))
        }
        var clock = Clock((0..<50).map { entry($0 * 3, 1) })
        let pages = [
            [entry(3, 2)], (0..<40).map { entry($0 * 5, 3) }, [], [entry(1, 4), entry(149, 4)],
        ]
        var expected = clock
        for page in pages {
            for entry in page { expected.set(entry) }
            clock.set(sorted: page)
        }
        #expect(clock == expected)
    }

    @Test func aSecondHelloEndsIt() {
        var responder = session(.responder)
        _ = responder.receive(hello, now: now)
        #expect(responder.receive(hello, now: now) == [.close(.violation("a second hello"))])
    }

    @Test func aCasebookThePeerIsNoMemberOfIsNeverTouched() {
        var responder = session(.responder)
        _ = responder.receive(hello, now: now)
        let actions = responder.receive(.batch(casebook: 0, bytes: [1]), now: now)
        #expect(
            actions == [.close(.violation("a casebook index that the hello didn't name"))])
    }

    @Test func silenceForNinetySecondsEndsIt() {
        var initiator = session(.initiator)
        _ = initiator.start(now: Moment(milliseconds: 0))
        _ = initiator.receive(hello, now: Moment(milliseconds: 10))
        #expect(
            initiator.tick(now: Moment(milliseconds: 30_009)).contains(.send(.ping(1))))
        #expect(initiator.tick(now: Moment(milliseconds: 90_009)).last != .close(.silence))
        #expect(initiator.tick(now: Moment(milliseconds: 90_010)) == [.close(.silence)])
        #expect(initiator.deadline == nil)
    }

    /// The pong comes after the batch, though the batch has to be read from the store first.
    @Test func aPongWaitsForWhatIsStillToBeSent() throws {
        var left = MemoryReplica(1)
        var initiator = Session(
            side: .initiator, run: 1, openings: [left.opening(for: MemoryReplica(2).node)], now: now
        )
        _ = initiator.start(now: now)
        let casebook = Hello.Casebook(id: MemoryReplica.casebook, clockDigest: Clock().digest)
        _ = initiator.receive(.hello(Hello(run: 2, casebooks: [casebook])), now: now)
        let entry = try left.write("news")
        _ = initiator.moved(
            casebook: MemoryReplica.casebook, held: [entry], applied: [entry], isLocal: true,
            now: now)
        #expect(initiator.receive(.ping(7), now: now) == [])
        let batches = left.logs[left.author.origin]!.map {
            left.outgoing($0, of: left.author.origin)
        }
        let actions = initiator.supply(
            casebook: MemoryReplica.casebook, OutgoingRead(batches: batches), now: now)
        #expect(
            actions == [
                .send(.batch(casebook: 0, bytes: batches[0].bytes)), .send(.pong(7)),
            ])
    }

    /// Actions depend on what happened alone, never on the order in which a set is kept.
    @Test func whatAPeerHasIsNamedInOrder() throws {
        var left = MemoryReplica(1)
        let entry = try left.write("news")
        let tips = (1...9).map { Tip(sequence: 2, hash: HashPrefix(UInt128($0))) }
        let theirs = Clock([Clock.Entry(origin: entry.origin, tips: tips)])
        var initiator = Session(
            side: .initiator, run: 1, openings: [left.opening(for: MemoryReplica(2).node)], now: now
        )
        _ = initiator.start(now: now)
        let casebook = Hello.Casebook(id: MemoryReplica.casebook, clockDigest: theirs.digest)
        _ = initiator.receive(.hello(Hello(run: 2, casebooks: [casebook])), now: now)
        let page = ClockPage(
            casebook: 0, replacesAll: true, moreFollow: false, entries: theirs.entries)
        let logs = initiator.receive(.clock(page), now: now).compactMap { action -> [PeerLog]? in
            guard case .read(_, .next(let logs), _) = action else { return nil }
            return logs
        }
        #expect(logs == [[PeerLog(origin: entry.origin, tips: tips)]])
    }

    @Test func aPingIsAnswered() {
        var responder = session(.responder)
        _ = responder.receive(hello, now: now)
        #expect(responder.receive(.ping(9), now: now) == [.send(.pong(9))])
    }

    /// Who asks for pongs and doesn't read them gets no more queued than can be written.
    @Test func aPongWaitsUntilThePeerReads() {
        var responder = session(.responder)
        _ = responder.receive(hello, now: now)
        #expect(responder.setWritable(false, now: now) == [])
        for number in 0..<64 as Range<UInt64> {
            #expect(responder.receive(.ping(number), now: now) == [])
        }
        var patient = responder
        let pongs = (0..<64 as Range<UInt64>).map { SessionAction.send(.pong($0)) }
        #expect(patient.setWritable(true, now: now) == pongs)
        #expect(
            responder.receive(.ping(64), now: now)
                == [.close(.violation("too many pings at once"))])
    }
}
