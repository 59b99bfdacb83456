import Foundation
import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleySync
import ParleyTransport
import ParleyWire

/// Many members who have everything and look on, in this process: the shipping sessions over TLS, and
/// instead of stores a note of what arrives and when. What is measured is the daemon they look at.
final class Audience: Sendable {
    private struct State {
        var sessions: [SessionHandle] = []
        /// Bytes until TLS had proved who is who, by connection, and until both had greeted.
        var handshakes: [ObjectIdentifier: ParleyTransport.Traffic] = [:]
        var greetings: [Traffic] = []
        /// How many members have each change of the founder's log.
        var arrivals: [UInt64: Int] = [:]
    }

    /// What all of them have come to.
    private enum Milestone {
        case greeted
        /// They have a change of the founder's log.
        case have(UInt64)
    }

    private let casebook: BuiltCasebook
    private let count: Int
    private let state = NIOLockedValueBox(State())
    private let budget = SendBudget()
    /// Ends with an error when one of them loses its session. Waiting takes no processor from the daemon.
    private let milestones: AsyncThrowingStream<Milestone, any Error>
    private let reached: AsyncThrowingStream<Milestone, any Error>.Continuation

    /// - Parameters:
    ///   - casebook: whose last members look on.
    ///   - count: how many of them.
    init(of casebook: BuiltCasebook, count: Int) {
        precondition(count < casebook.members.count, "members look on")
        self.casebook = casebook
        self.count = count
        (milestones, reached) = AsyncThrowingStream.makeStream()
    }

    // MARK: Life

    /// Lets them connect, one after the other.
    ///
    /// - Returns: what it took on the wire, behind the handshake of TLS, until each of them knew that
    ///   there is nothing to exchange.
    /// - Throws: where there was something.
    func gather(at address: String) async throws -> [Traffic] {
        let parts = address.split(separator: ":")
        let founder = casebook.members[0].node
        for member in casebook.members.suffix(count) {
            let endpoint = Endpoint(
                certificate: try NodeCertificate(privateKey: member.privateKey),
                refusals: RefusalCounters(), isMember: { $0 == founder })
            _ = try await Dialer(endpoint).dial(
                host: String(parts[0]), port: Int(parts[1]) ?? 0, expecting: founder,
                makeHandler: handler(of: Onlooker(casebook, of: self)))
        }
        for try await case .greeted in milestones { break }
        for session in state.withLockedValue({ $0.sessions }) {
            let report = await session.sync()
            guard report.isComplete, report.received == 0, report.sent == 0 else {
                throw lost(report.failure)
            }
        }
        return state.withLockedValue { $0.greetings }
    }

    func leave() {
        for session in state.withLockedValue({ $0.sessions }) { session.stop() }
    }

    /// Waits until all of them have a change of the founder.
    func wait(for sequence: UInt64) async throws {
        for try await case .have(sequence) in milestones { return }
    }

    private func lost(_ reason: CloseReason?) -> Programs.Failure {
        Programs.Failure(description: "an onlooker lost its session: \(reason?.rawValue ?? "")")
    }

    // MARK: Sessions

    private func handler(of onlooker: Onlooker) -> MakeHandler {
        let observer = SessionDriver.Observer(
            opened: { session, _ in self.note(session) },
            closed: { _, outcome in self.reached.finish(throwing: self.lost(outcome.reason)) },
            welcomed: { _ in })
        return { connection in
            self.state.withLockedValue {
                $0.handshakes[ObjectIdentifier(connection)] = connection.traffic
            }
            return SessionDriver(
                connection: connection, replica: onlooker, observer: observer,
                run: UInt64.random(in: 1 ... .max), budget: self.budget,
                now: { Moment(milliseconds: DispatchTime.now().uptimeNanoseconds / 1_000_000) })
        }
    }

    /// Both have greeted, by which they know whether they have the same.
    private func note(_ session: SessionHandle) {
        let traffic = session.connection.traffic
        let isLast = state.withLockedValue { state in
            state.sessions.append(session)
            let isLast = state.sessions.count == count
            guard let before = state.handshakes[ObjectIdentifier(session.connection)] else {
                return isLast
            }
            state.greetings.append(
                Traffic(
                    bytesIn: Int(traffic.received - before.received),
                    bytesOut: Int(traffic.sent - before.sent)))
            return isLast
        }
        if isLast { reached.yield(.greeted) }
    }

    fileprivate func note(_ changes: ClosedRange<UInt64>) {
        let complete = state.withLockedValue { state in
            for sequence in changes { state.arrivals[sequence, default: 0] += 1 }
            return changes.filter { state.arrivals[$0] == count }
        }
        for sequence in complete { reached.yield(.have(sequence)) }
    }
}

/// One who has all of a casebook and checks what comes after it, without storing it.
private final class Onlooker: Replica {
    private let casebook: BuiltCasebook
    private let audience: Audience
    /// The end of the founder's log as far as it has come here.
    private let head: NIOLockedValueBox<(sequence: UInt64, hash: Digest)>

    init(_ casebook: BuiltCasebook, of audience: Audience) {
        self.casebook = casebook
        self.audience = audience
        head = NIOLockedValueBox(casebook.head)
    }

    func openings(for peer: NodeID) async -> [Reconciliation.Opening] {
        [
            Reconciliation.Opening(
                casebook: casebook.id, clock: casebook.clock, applied: casebook.clock, untold: [],
                heard: Clock())
        ]
    }

    func check(
        _ batches: [[UInt8]], after runs: [LogRun], from peer: NodeID, in casebook: Digest
    ) async -> CheckedBatches {
        CheckedBatches(count: batches.count) {
            let runs = batches.map { self.take($0) }
            return .stored(runs: runs.compactMap(\.self), conflicts: [:], uninterpreted: 0)
        }
    }

    private func take(_ bytes: [UInt8]) -> StoredRun? {
        head.withLockedValue { head in
            guard
                let batch = try? VerifiedBatch(
                    bytes: bytes, casebook: casebook.id, previous: head.hash),
                batch.first == head.sequence + 1
            else { return nil }
            let previous = Tip(sequence: head.sequence, hash: head.hash.prefix)
            head = (batch.last, batch.hashes[batch.hashes.count - 1])
            audience.note(batch.first...batch.last)
            return StoredRun(
                previous: previous, end: Tip(sequence: head.sequence, hash: head.hash.prefix))
        }
    }

    // Nothing is offered, asked for or kept.
    func batches(
        in casebook: Digest, for peer: NodeID, _ request: ReadRequest, byteLimit: Int
    ) async -> ReadOutcome { .read(OutgoingRead(batches: [])) }
    func missing(in casebook: Digest) async -> [ChangeRange] { [] }
    func locators(of origin: Origin, in casebook: Digest) async -> [[Tip]] { [] }
    func newestShared(of origin: Origin, among points: [Tip], in casebook: Digest) async -> Tip? {
        nil
    }
    func rememberHeard(_ clock: Clock, from peer: NodeID, in casebook: Digest) async {}
    func rememberTold(_ opening: Reconciliation.Opening, to peer: NodeID) async {}
    func heardAll(from peer: NodeID, in casebook: Digest) {}
    func rememberExchange(with peer: NodeID, in casebook: Digest) async {}
    func rememberAddresses(_ addresses: [PeerAddress], in casebook: Digest) async {}
    func addresses(in casebook: Digest) async -> [PeerAddress] { [] }
    func admit(_ join: Join, from peer: NodeID) async -> Ticket? { nil }
    func accepts(_ ticket: Ticket, from peer: NodeID) async -> Bool { false }
}
