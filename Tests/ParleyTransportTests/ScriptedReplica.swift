import NIOConcurrencyHelpers
import NIOCore
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleySync
import ParleyTransport
import ParleyWire

/// A node's stores as a test wants them: one casebook, a say in when they answer, and one batch a
/// read.
final class ScriptedReplica: Replica {
    private struct State {
        var clocks: [Clock]
        var openingCount = 0
        var batches: [OutgoingBatch] = []
        var noting = 0
        var mostNoting = 0
        var addresses: [[PeerAddress]] = []
    }

    static let casebook = Hashing.digest(Array("casebook".utf8))

    private let state: NIOLockedValueBox<State>
    /// Waited for before the stores answer what a session opens with.
    private let gate: Gate
    /// Waited for before batches are read.
    private let sending: Gate
    /// Waited for before addresses are noted.
    private let noting: Gate
    /// Addresses that were noted.
    let heard: AsyncStream<[PeerAddress]>
    private let heardNotes: AsyncStream<[PeerAddress]>.Continuation
    /// What was handed over to be stored.
    let stored: AsyncStream<[UInt8]>
    private let notes: AsyncStream<[UInt8]>.Continuation
    /// Said to be open in whatever is stored.
    private let conflicts: [RecordID: Int]

    /// - Parameters:
    ///   - clocks: what is held and applied at the first look, the second and so on.
    ///   - addresses: those known at the first look, the second and so on, then none.
    init(
        clocks: [Clock] = [Clock()], batches: [OutgoingBatch] = [], gate: Gate = Gate(isOpen: true),
        sending: Gate = Gate(isOpen: true), noting: Gate = Gate(isOpen: true),
        conflicts: [RecordID: Int] = [:], addresses: [[PeerAddress]] = []
    ) {
        state = NIOLockedValueBox(State(clocks: clocks, batches: batches, addresses: addresses))
        self.gate = gate
        self.sending = sending
        self.noting = noting
        (heard, heardNotes) = AsyncStream.makeStream()
        self.conflicts = conflicts
        (stored, notes) = AsyncStream.makeStream()
    }

    func openings(for peer: NodeID) async -> [Reconciliation.Opening] {
        await gate.passed()
        let clock = state.withLockedValue { state in
            defer { state.openingCount += 1 }
            return state.clocks[min(state.openingCount, state.clocks.count - 1)]
        }
        return [
            Reconciliation.Opening(
                casebook: ScriptedReplica.casebook, clock: clock, applied: clock,
                untold: clock.entries, heard: Clock())
        ]
    }

    func batches(
        in casebook: Digest, for peer: NodeID, _ request: ReadRequest, byteLimit: Int
    ) async -> ReadOutcome {
        guard case .next(let logs) = request else { return .read(OutgoingRead(batches: [])) }
        await sending.passed()
        let last = logs[0].tips.last?.sequence ?? 0
        let next = state.withLockedValue { $0.batches.first { $0.first > last } }
        return .read(OutgoingRead(batches: next.map { [$0] } ?? []))
    }

    func check(
        _ batches: [[UInt8]], after runs: [LogRun], from peer: NodeID, in casebook: Digest
    ) async -> CheckedBatches {
        CheckedBatches(count: batches.count) { [notes, conflicts] in
            for batch in batches { notes.yield(batch) }
            let runs = batches.compactMap { try? Batch.header(of: $0) }.map {
                StoredRun(previous: nil, end: Tip(sequence: $0.last, hash: HashPrefix(0)))
            }
            return .stored(runs: runs, conflicts: conflicts, uninterpreted: 0)
        }
    }

    func missing(in casebook: Digest) async -> [ChangeRange] { [] }
    func locators(of origin: Origin, in casebook: Digest) async -> [[Tip]] { [] }
    func newestShared(
        of origin: Origin, among points: [Tip], in casebook: Digest
    ) async -> Tip? { nil }
    func accepts(_ ticket: Ticket, from peer: NodeID) async -> Bool { false }
    func rememberHeard(_ clock: Clock, from peer: NodeID, in casebook: Digest) async {}
    func rememberTold(_ opening: Reconciliation.Opening, to peer: NodeID) async {}
    func heardAll(from peer: NodeID, in casebook: Digest) {}
    func rememberExchange(with peer: NodeID, in casebook: Digest) async {}
    func rememberAddresses(_ addresses: [PeerAddress], in casebook: Digest) async {
        state.withLockedValue { state in
            state.noting += 1
            state.mostNoting = max(state.mostNoting, state.noting)
        }
        await noting.passed()
        state.withLockedValue { $0.noting -= 1 }
        heardNotes.yield(addresses)
    }

    /// The most that were noted at once.
    var mostNoting: Int { state.withLockedValue { $0.mostNoting } }
    func addresses(in casebook: Digest) async -> [PeerAddress] {
        state.withLockedValue { $0.addresses.isEmpty ? [] : $0.addresses.removeFirst() }
    }
    func admit(_ join: Join, from peer: NodeID) async -> Ticket? { nil }
}

/// Something to wait for until the test opens it; counts who came.
final class Gate: Sendable {
    private struct State {
        var isOpen: Bool
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: NIOLockedValueBox<State>
    let arrivals: AsyncStream<Void>
    private let notes: AsyncStream<Void>.Continuation

    init(isOpen: Bool = false) {
        state = NIOLockedValueBox(State(isOpen: isOpen))
        (arrivals, notes) = AsyncStream.makeStream()
    }

    func passed() async {
        notes.yield()
        await withCheckedContinuation { continuation in
            let isOpen = state.withLockedValue { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLockedValue { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// What a session driver tells its node, in order.
final class DriverNotes: Sendable {
    enum Note: Sendable {
        case opened(SessionHandle)
        case closed(CloseReason)
    }

    let heard: AsyncStream<Note>
    private let notes: AsyncStream<Note>.Continuation

    init() {
        (heard, notes) = AsyncStream.makeStream()
    }

    /// Drives sessions over `replica`.
    func makeHandler(
        _ replica: ScriptedReplica, budget: SendBudget = SendBudget()
    ) -> MakeHandler {
        let notes = notes
        let observer = SessionDriver.Observer(
            opened: { handle, _ in notes.yield(.opened(handle)) },
            closed: { _, outcome in notes.yield(.closed(outcome.reason)) }, welcomed: { _ in })
        let start = ContinuousClock.now
        let now: @Sendable () -> Moment = {
            let passed = (ContinuousClock.now - start) / Duration.milliseconds(1)
            return Moment(milliseconds: UInt64(passed))
        }
        return { connection in
            SessionDriver(
                connection: connection, replica: replica, observer: observer, run: 1,
                budget: budget, now: now)
        }
    }

    func opened() async -> SessionHandle? {
        for await case .opened(let handle) in heard { return handle }
        return nil
    }

    func next() async -> Note? {
        await heard.first { _ in true }
    }
}
