import NIOConcurrencyHelpers
import ParleyCRDT

/// Keeps a node that had to refuse what others sent from passing on what it holds: that may have said
/// who doesn't belong any more.
///
/// Closed while there is no room, and for a while after, until something has been taken in of everybody
/// who was refused, or they have nothing more that isn't here; for ever would be wrong, because whoever
/// has the news may not come back.
final class NewsGate: Sendable {
    /// How long the news may take to come once there is room again.
    private static let hold = Duration.seconds(15 * 60)
    /// How long a peer waits at the gate: it may be the one that brings them.
    private static let patience = Duration.seconds(10)

    private struct Refusal: Hashable {
        let peer: NodeID
        let casebook: Digest
    }

    private struct State {
        /// When there was last too little room, since something was refused.
        var shortAt: Duration?
        var refused: Set<Refusal> = []
        var waiting: [OneShot<Bool>] = []
    }

    private let clock: NodeClock
    private let state = NIOLockedValueBox(State())

    init(clock: NodeClock) {
        self.clock = clock
    }

    /// Something that a peer sent was refused for want of room.
    func close(by peer: NodeID, in casebook: Digest) {
        let now = clock.now()
        state.withLockedValue { state in
            state.shortAt = now
            state.refused.insert(Refusal(peer: peer, casebook: casebook))
        }
    }

    /// Something of a peer's was taken in, or all it has is here.
    func open(by peer: NodeID, in casebook: Digest) {
        let waiting = state.withLockedValue { state -> [OneShot<Bool>] in
            state.refused.remove(Refusal(peer: peer, casebook: casebook))
            guard state.refused.isEmpty else { return [] }
            defer { state = State() }
            return state.waiting
        }
        for waiter in waiting { waiter.finish(true) }
    }

    /// When it opens though nobody comes, `nil` where it is open.
    var opensAt: Duration? { state.withLockedValue { $0.shortAt.map { $0 + NewsGate.hold } } }

    /// - Parameter isShort: whether there is too little room now.
    func mayPassOn(isShort: Bool) async -> Bool {
        let (now, shot) = (clock.now(), OneShot(false))
        let isOpen = state.withLockedValue { state -> Bool? in
            guard let shortAt = state.shortAt else { return true }
            if isShort {
                state.shortAt = now
                return false
            }
            guard now < shortAt + NewsGate.hold else {
                (state.shortAt, state.refused) = (nil, [])
                return true
            }
            state.waiting.append(shot)
            return nil
        }
        if let isOpen { return isOpen }
        let hasCome = await shot.value(within: NewsGate.patience, by: clock)
        state.withLockedValue { $0.waiting.removeAll { $0 === shot } }
        return hasCome
    }
}
