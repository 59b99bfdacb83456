import ParleyCRDT
import ParleyLog
import ParleySync
import ParleyWire
import Testing

/// How much may be under way to a peer that hasn't confirmed it: 4 MiB, in all casebooks together.
///
/// The session doesn't look into batches it is handed, so sizes are made up to the byte.
struct UnacknowledgedTests {
    private let limit = Limits.unacknowledgedBytesPerPeer
    /// What one read may bring, which has to fit as well.
    private let read = Limits.batchBytes
    private let now = Moment(milliseconds: 1_000)

    /// A session that has just asked for the first batches of each casebook's log.
    private func sender(casebooks: [Digest]) throws -> (Session, Origin, [SessionAction]) {
        var replica = MemoryReplica(1)
        for number in 1...20 { _ = try replica.write("\(number)") }
        let openings = casebooks.map {
            Reconciliation.Opening(
                casebook: $0, clock: replica.clock, applied: replica.clock,
                untold: replica.clock.entries, heard: Clock())
        }
        var session = Session(side: .initiator, run: 1, openings: openings, now: now)
        _ = session.start(now: now)
        let empty = casebooks.sorted().map { Hello.Casebook(id: $0, clockDigest: Clock().digest) }
        _ = session.receive(.hello(Hello(run: 2, casebooks: empty)), now: now)
        var reads: [SessionAction] = []
        for index in casebooks.indices {
            let page = ClockPage(
                casebook: index, replacesAll: false, moreFollow: false, entries: [])
            reads += session.receive(.clock(page), now: now).filter(\.isRead)
        }
        return (session, replica.author.origin, reads)
    }

    private func batch(_ origin: Origin, _ sequence: UInt64, bytes: Int) -> OutgoingBatch {
        OutgoingBatch(
            bytes: [UInt8](repeating: 0, count: bytes), origin: origin, first: sequence,
            tip: Tip(sequence: sequence, hash: HashPrefix(1)))
    }

    @Test(arguments: [-1, 0, 1])
    func readingGoesOnAsLongAsALargestBatchFits(excess: Int) throws {
        let casebook = MemoryReplica.casebook
        var (session, origin, reads) = try sender(casebooks: [casebook])
        #expect(reads.count == 1)
        let full = batch(origin, 1, bytes: limit - read + excess)
        let actions = session.supply(
            casebook: casebook, OutgoingRead(batches: [full]), now: now)
        #expect(actions.hasRead == (excess <= 0))
        #expect(session.unacknowledgedBytes <= limit)
    }

    @Test func anAcknowledgementLetsReadingGoOn() throws {
        let casebook = MemoryReplica.casebook
        var (session, origin, _) = try sender(casebooks: [casebook])
        let full = batch(origin, 1, bytes: limit)
        let actions = session.supply(
            casebook: casebook, OutgoingRead(batches: [full]), now: now)
        #expect(!actions.hasRead)
        let tip = Tip(sequence: 1, hash: HashPrefix(1))
        let more = session.receive(
            .acknowledgement(
                casebook: 0, entries: [Clock.Entry(origin: origin, tip: tip)]), now: now)
        #expect(more.hasRead)
    }

    /// Two casebooks share the room, and what one gives back the other may use.
    @Test func theLimitIsThePeersAndNotTheCasebooks() throws {
        let casebooks = [MemoryReplica.casebook, Digest.zero]
        var (session, origin, reads) = try sender(casebooks: casebooks)
        #expect(reads.count == 2)
        let first = batch(origin, 1, bytes: limit - read)
        var actions = session.supply(
            casebook: casebooks[0], OutgoingRead(batches: [first]), now: now)
        #expect(!actions.hasRead, "the other one's read needs the rest")
        actions = session.supply(
            casebook: casebooks[1],
            OutgoingRead(batches: [batch(origin, 1, bytes: read)]), now: now)
        #expect(!actions.hasRead)
        #expect(session.unacknowledgedBytes == limit)
        let tip = Tip(sequence: 1, hash: HashPrefix(1))
        let index = casebooks.sorted().firstIndex(of: casebooks[1])!
        actions = session.receive(
            .acknowledgement(
                casebook: index, entries: [Clock.Entry(origin: origin, tip: tip)]), now: now)
        #expect(actions.hasRead)
    }
}

extension SessionAction {
    fileprivate var isRead: Bool {
        if case .read = self { true } else { false }
    }
}

extension [SessionAction] {
    fileprivate var hasRead: Bool { contains { $0.isRead } }
}
