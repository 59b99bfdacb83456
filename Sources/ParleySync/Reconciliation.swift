package import ParleyCRDT
import ParleyLog
import ParleyWire

/// The conversation of two replicas about one casebook: compare clocks, exchange what is missing,
/// then pass on what is new.
///
/// The obvious way, sending whole clocks at every meeting, costs with the number of origins even
/// when nothing happened. So both sides remember what the other last said, hellos carry digests
/// only, and a clock message carries what moved since. Whatever memory turns out wrong, the digest
/// shows it and the whole clock is asked for.
package struct Reconciliation: Sendable {
    /// Bytes read from the store at once: the largest batch, and no more, so that to a peer that
    /// reads slowly little is queued and the rest stays in the store.
    static let readLimit = Limits.batchBytes
    /// How long a relayed change waits, lest the peer has it from elsewhere, in milliseconds.
    static let relayDelay: UInt64 = 100

    private enum Phase: Equatable {
        /// The peer's clock is not known for sure: what we remember may be stale. Leads to
        /// `exchanging` when its digest is matched.
        case comparing(digest: HashPrefix, askedForWhole: Bool)
        /// The peer's clock is known; batches flow both ways from here on.
        case exchanging
    }

    package let casebook: Digest
    /// Our index of this casebook in the hello we sent.
    let index: Int
    package private(set) var tally = SessionTally()

    private var phase: Phase
    private let opening: Opening
    /// Held and applied here, as far as this session has been told.
    private var held: Clock
    private var applied: Clock
    private var peer: PeerKnowledge
    private var inFlight: [(origin: Origin, last: UInt64, bytes: Int)] = []
    /// Of batches, sent and not yet acknowledged as durable, with what is being read to be sent.
    private(set) var unacknowledgedBytes = 0
    /// What the other casebooks of the session have under way.
    var unacknowledgedElsewhere = 0
    /// What is being read to be sent.
    private var reading: ReadRequest?
    private var isWritable = true
    /// Pages of the peer's clock so far.
    private var pageCount = 0
    private var hasToldWhole = false
    private var hasSaidCaughtUp = false
    private var peerSaidCaughtUp = false
    private var hasReportedCaughtUp = false
    private var hasReportedHeardAll = false
    /// Origins of the batches that are with the store, in the order they were handed over.
    private var storing: [Origin] = []
    /// Origins of which nothing can be offered before something moves.
    private var withheld: Set<Origin> = []
    /// Those that moved since what is being read was asked for: the answer may not know of it.
    private var movedSinceRead: Set<Origin> = []
    private var search = BranchSearch()
    private var relays: [(origin: Origin, due: Moment)] = []
    private var acknowledgements = Acknowledgements()
    private var wants = WantExchange()

    /// - Parameter theirDigest: what the peer's hello said of its clock.
    init(opening: Opening, index: Int, theirDigest: HashPrefix) {
        self.opening = opening
        self.index = index
        casebook = opening.casebook
        held = opening.clock
        applied = opening.applied
        if theirDigest == opening.clock.digest {
            peer = PeerKnowledge(opening.clock)
            phase = .exchanging
            hasSaidCaughtUp = true
            peerSaidCaughtUp = true
        } else {
            peer = PeerKnowledge(opening.heard)
            phase = .comparing(digest: theirDigest, askedForWhole: false)
        }
    }

    // MARK: Events

    /// The first actions after both hellos.
    mutating func begin() -> [SessionAction] {
        guard case .comparing = phase else {
            let isNews = opening.heard != opening.clock
            return (isNews ? [heard()] : []) + told() + progress()
        }
        return clockMessages(opening.untold, whole: false).map(SessionAction.send)
    }

    mutating func receive(_ page: ClockPage) -> [SessionAction] {
        guard case .comparing(let digest, let askedForWhole) = phase else {
            return [.close(.violation("a clock after the clocks were settled"))]
        }
        if page.replacesAll { peer.forget() }
        peer.set(page.entries)
        pageCount += 1
        guard peer.clock.entries.count <= Limits.clockOrigins, pageCount <= Limits.clockOrigins
        else {
            return [.close(.violation("a clock without an end"))]
        }
        guard !page.moreFollow else { return [] }
        guard peer.clock.digest == digest else {
            guard !askedForWhole else {
                return [.close(.violation("a clock that doesn't match its digest"))]
            }
            phase = .comparing(digest: digest, askedForWhole: true)
            peer.forget()
            return [.send(.clockRequest(casebook: index))]
        }
        phase = .exchanging
        return [heard()] + told() + pump()
    }

    /// The peer asks for our whole clock as the hello's digest was of it. Once is all it can need.
    mutating func receiveClockRequest() -> [SessionAction] {
        guard !hasToldWhole else { return [.close(.violation("a second request for the clock"))] }
        hasToldWhole = true
        return clockMessages(opening.clock.entries, whole: true).map(SessionAction.send)
    }

    mutating func receive(batch bytes: [UInt8]) -> [SessionAction] {
        guard let header = try? Batch.header(of: bytes) else {
            return [.close(.malformed("a batch that can't be read"))]
        }
        tally.received += UInt64(header.count)
        tally.columnsReceived += UInt64(header.columnByteCount(in: bytes))
        storing.append(header.origin)
        peer.noteArriving(header.origin, header.last)
        return [.store(casebook: casebook, batch: bytes)]
    }

    /// What the peer now holds durably.
    ///
    /// Not remembered across sessions: the peer tells it again at the next meeting, and writing
    /// it down would cost a sync to disk per acknowledgement.
    mutating func receiveAcknowledgement(_ entries: [Clock.Entry]) -> [SessionAction] {
        // Of logs we don't hold, nothing was sent and nothing needs to be remembered.
        for entry in entries where !held[entry.origin].isEmpty {
            // It may be of another branch than is here, which only whoever has the longer one can tell.
            if peer.raise(entry) { offerAgain(entry.origin) }
            let last = entry.tips.map(\.sequence).max() ?? 0
            inFlight.removeAll { $0.origin == entry.origin && $0.last <= last }
        }
        countUnacknowledged()
        return pump()
    }

    mutating func receiveCaughtUp() -> [SessionAction] {
        peerSaidCaughtUp = true
        return progress()
    }

    /// Batches from the store, in order.
    mutating func supply(_ read: OutgoingRead) -> [SessionAction] {
        let isAgain = if case .again = reading { true } else { false }
        reading = nil
        if isAgain { wants.finishNext() }
        withheld.formUnion(read.withheld)
        withheld.subtract(movedSinceRead)
        var actions: [SessionAction] = []
        for batch in read.batches {
            let header = try? Batch.header(of: batch.bytes)
            if !isAgain { peer.noteSent(batch) }
            tally.sent += batch.last - batch.first + 1
            tally.columnsSent += UInt64(header?.columnByteCount(in: batch.bytes) ?? 0)
            inFlight.append((batch.origin, batch.last, batch.bytes.count))
            actions.append(.send(.batch(casebook: index, bytes: batch.bytes)))
        }
        for origin in read.parted where search.begin(origin) {
            actions.append(.readLocators(casebook: casebook, origin: origin))
        }
        countUnacknowledged()
        return actions + pump()
    }

    /// The store has taken the oldest batch this session handed it, durably.
    ///
    /// It is acknowledged even if the store had it already: the peer can't know, and waits.
    mutating func stored(_ run: StoredRun, now: Moment) -> [SessionAction] {
        let origin = storing.removeFirst()
        peer.noteReceived(
            Dot(origin: origin, sequence: run.end.sequence, hash: run.end.hash),
            after: run.previous)
        if !held[origin].isEmpty { acknowledgements.gather(origin, held[origin], now) }
        wants.noteNews()
        return progress()
    }

    // MARK: Branches

    /// Where this side's branches of a log lie, for the peer to find what both share.
    mutating func supplyLocators(
        _ branches: [[Tip]], of origin: Origin
    ) -> [SessionAction] {
        branches.map { points in
            .send(.locator(Locator(casebook: index, origin: origin, points: points)))
        } + pump()
    }

    /// The peer says where a branch of its lies.
    mutating func receive(_ locator: Locator) -> [SessionAction] {
        switch search.queue(locator) {
        case .first:
            [.findShared(casebook: casebook, origin: locator.origin, points: locator.points)]
        case .later: []
        case .tooMany: [.close(.violation("locators without an end"))]
        }
    }

    /// The newest of the points the peer has named, of those that are here too.
    mutating func found(shared tip: Tip?, of origin: Origin) -> [SessionAction] {
        peer.noteShared(tip, of: origin)
        offerAgain(origin)
        var actions: [SessionAction] = []
        let hasTold = !search.begin(origin)
        if !hasTold { actions.append(.readLocators(casebook: casebook, origin: origin)) }
        if let next = search.finish(origin) {
            actions.append(
                .findShared(casebook: casebook, origin: next.origin, points: next.points))
        }
        return actions + pump()
    }

    // MARK: What is asked for again

    /// The peer lacks contents of changes it holds.
    mutating func receive(_ want: Want) -> [SessionAction] {
        guard wants.queue(want.range) else { return [.close(.violation("wants without an end"))] }
        return pump()
    }

    /// What is held here without all that belongs to it.
    mutating func supplyMissing(_ missing: [ChangeRange]) -> [SessionAction] {
        let ranges = wants.finishLook(missing)
        guard !ranges.isEmpty else { return progress() }
        return ranges.map { .send(.want(Want(casebook: index, range: $0))) }
            + [.send(.ping(Session.wantBarrier(index)))]
    }

    /// The peer has sent what it could of what it was asked for again.
    mutating func wantsAnswered() -> [SessionAction] {
        wants.noteAnswered()
        return progress()
    }

    // MARK: News

    /// The store's clock moved, by a local edit, by this session or by another.
    ///
    /// - Parameter isLocal: whether the changes were written here; they go out at once then.
    mutating func moved(
        held: [Clock.Entry], applied moved: [Clock.Entry], isLocal: Bool, now: Moment
    ) -> [SessionAction] {
        for entry in moved where entry.isNews(in: applied) {
            applied.set(entry)
            offerAgain(entry.origin)
            let isPending = relays.contains { $0.origin == entry.origin }
            guard !isLocal, !isPending, peer.mayLack(entry) else { continue }
            relays.append((entry.origin, now.advanced(byMilliseconds: Reconciliation.relayDelay)))
        }
        for entry in held where entry.isNews(in: self.held) {
            self.held.set(entry)
            offerAgain(entry.origin)
            if !isLocal { acknowledgements.gather(entry.origin, entry.tips, now) }
        }
        if !isLocal { wants.noteNews() }
        return pump()
    }

    mutating func setWritable(_ writable: Bool) -> [SessionAction] {
        isWritable = writable
        return pump()
    }

    mutating func tick(now: Moment) -> [SessionAction] {
        var actions: [SessionAction] = []
        if let due = acknowledgements.due, due <= now { actions += acknowledge(now) }
        relays.removeAll { $0.due <= now }
        return actions + pump()
    }

    /// When `tick` has something to do, `nil` for never.
    var deadline: Moment? {
        ([acknowledgements.due] + relays.map { Optional($0.due) }).compactMap { $0 }.min()
    }

    /// Whether nothing that could be offered now is still to be sent. Nobody knows that as long as
    /// the clocks are compared.
    var hasSentEverything: Bool {
        phase == .exchanging && hasOffered && relays.isEmpty && wants.next == nil
    }

    /// Whether both sides have what the other offered and nothing waits, is read or is under way.
    var isQuiet: Bool {
        isDone && hasSentEverything && wants.isSettled
    }

    private var isDone: Bool {
        hasSaidCaughtUp && peerSaidCaughtUp && storing.isEmpty && inFlight.isEmpty
    }

    private var hasOffered: Bool { reading == nil && !search.isUnderWay && !hasGap }

    // MARK: Decisions

    /// Sends everything gathered at once, for instance before a close.
    mutating func acknowledge(_ now: Moment) -> [SessionAction] {
        let entries = acknowledgements.take(now)
        guard !entries.isEmpty else { return [] }
        return Clock.pages(of: entries).map {
            .send(.acknowledgement(casebook: index, entries: Array($0)))
        }
    }

    /// Asks for the next batches the peer lacks, one read at a time, while the peer keeps up.
    mutating func pump() -> [SessionAction] {
        guard phase == .exchanging else { return [] }
        guard reading == nil, isWritable, hasRoom, let request = nextRead else {
            return progress()
        }
        reading = request
        movedSinceRead = []
        countUnacknowledged()
        return [.read(casebook: casebook, request, byteLimit: Reconciliation.readLimit)]
            + progress()
    }

    private var nextRead: ReadRequest? {
        let gaps = gaps
        return gaps.isEmpty
            ? wants.next.map { .again($0, of: peer.log(of: $0.origin)) } : .next(of: gaps)
    }

    /// Whether one more read stays within what may be sent and not acknowledged.
    private var hasRoom: Bool {
        unacknowledgedBytes + unacknowledgedElsewhere + Reconciliation.readLimit
            <= Limits.unacknowledgedBytesPerPeer
    }

    /// Something of a log may be offered that couldn't be before.
    private mutating func offerAgain(_ origin: Origin) {
        withheld.remove(origin)
        if reading != nil { movedSinceRead.insert(origin) }
    }

    private mutating func countUnacknowledged() {
        unacknowledgedBytes = inFlight.reduce(reading == nil ? 0 : Reconciliation.readLimit) {
            $0 + $1.bytes
        }
    }

    /// Logs of which the peer may lack something that is here. Which of them goes first, and where
    /// it begins, is the store's to say: it knows what is in them, and what is applied of them.
    private var gaps: [PeerLog] {
        held.entries.compactMap { isGap($0) ? peer.log(of: $0.origin) : nil }
    }

    private var hasGap: Bool { held.entries.contains(where: isGap) }

    /// A relayed change that is not due yet is left out.
    private func isGap(_ entry: Clock.Entry) -> Bool {
        peer.mayLack(entry) && !withheld.contains(entry.origin)
            && !search.isAwaited(entry.origin)
            && !relays.contains { $0.origin == entry.origin }
    }

    /// Says when all we had at the meeting has been sent, and when both sides are done.
    private mutating func progress() -> [SessionAction] {
        guard phase == .exchanging else { return [] }
        var actions: [SessionAction] = []
        if !hasSaidCaughtUp, hasOffered {
            hasSaidCaughtUp = true
            actions.append(.send(.caughtUp(casebook: index, digest: applied.digest)))
        }
        if peerSaidCaughtUp, storing.isEmpty, !hasReportedHeardAll {
            hasReportedHeardAll = true
            actions.append(.heardAll(casebook: casebook))
        }
        if isDone, !hasReportedCaughtUp {
            hasReportedCaughtUp = true
            actions.append(.caughtUp(casebook: casebook))
        }
        if isDone, wants.beginLook() { actions.append(.findMissing(casebook: casebook)) }
        return actions
    }

    private func heard() -> SessionAction {
        .rememberHeard(casebook: casebook, peer.clock)
    }

    private func told() -> [SessionAction] { [.rememberTold(casebook: casebook)] }

    private func clockMessages(_ entries: [Clock.Entry], whole: Bool) -> [Message] {
        let pages = Clock.pages(of: entries)
        return pages.enumerated().map { number, page in
            .clock(
                ClockPage(
                    casebook: index, replacesAll: whole && number == 0,
                    moreFollow: number < pages.count - 1, entries: Array(page)))
        }
    }
}
