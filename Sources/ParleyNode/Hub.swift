import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyTransport

/// The sessions that stand, by peer, and who waits for one.
final class Hub: Sendable {
    private struct State {
        /// One session a peer; the run number tells connections between the same runs apart.
        var sessions: [NodeID: (handle: SessionHandle, run: UInt64)] = [:]
        var waiting: [NodeID: [OneShot<SessionHandle?>]] = [:]
        var ended: [NodeID: [OneShot<SessionOutcome>]] = [:]
        var isStopping = false
        var watch = RunWatch()
    }

    private let own: NodeID
    private let state = NIOLockedValueBox(State())

    init(own: NodeID) {
        self.own = own
    }

    var sessions: [SessionHandle] { state.withLockedValue { $0.sessions.values.map(\.handle) } }

    /// Peers of whom two were running at once.
    var twins: Set<NodeID> { state.withLockedValue { $0.watch.twins } }

    /// Takes note of which run of a peer this node speaks with.
    ///
    /// - Returns: whether it shows now that two are running.
    func met(_ peer: NodeID, run: UInt64) -> Bool {
        state.withLockedValue { $0.watch.note(run, of: peer) }
    }

    func session(with peer: NodeID) -> SessionHandle? {
        state.withLockedValue { $0.sessions[peer]?.handle }
    }

    /// Enters a session that stands. Of two connections between the same two runs that crossed the
    /// one dialled by the lower key stays. A peer that was restarted replaces its earlier self, and
    /// a second dial of the same side its first, which it must have given up.
    func opened(_ handle: SessionHandle, run: UInt64) {
        let decision = state.withLockedValue {
            state -> (losing: SessionHandle?, wake: [OneShot<SessionHandle?>]) in
            if state.isStopping { return (handle, []) }
            if let old = state.sessions[handle.peer], old.run == run,
                old.handle.connection.isInitiator != handle.connection.isInitiator,
                isPreferred(old.handle)
            {
                return (handle, [])
            }
            let old = state.sessions.updateValue((handle, run), forKey: handle.peer)
            return (old?.handle, state.waiting.removeValue(forKey: handle.peer) ?? [])
        }
        decision.losing?.supersede()
        for waiter in decision.wake { waiter.finish(handle) }
    }

    func closed(_ handle: SessionHandle, _ outcome: SessionOutcome) {
        let waiters = state.withLockedValue { state -> [OneShot<SessionOutcome>] in
            guard state.sessions[handle.peer]?.handle == handle else { return [] }
            state.sessions[handle.peer] = nil
            return state.ended.removeValue(forKey: handle.peer) ?? []
        }
        for waiter in waiters { waiter.finish(outcome) }
    }

    /// The session with a peer, now or when it opens; `nil` when the time is up.
    func session(with peer: NodeID, within timeout: Duration) async -> SessionHandle? {
        let shot = OneShot<SessionHandle?>(nil)
        let standing = state.withLockedValue { state -> SessionHandle? in
            if let session = state.sessions[peer] { return session.handle }
            if state.isStopping { shot.finish(nil) }
            state.waiting[peer, default: []].append(shot)
            return nil
        }
        if let standing { shot.finish(standing) }
        let session = await shot.value(within: timeout)
        if session == nil {
            state.withLockedValue { $0.waiting[peer]?.removeAll { $0 === shot } }
        }
        return session
    }

    /// Returns when the session with a peer has ended, at once where there is none.
    func end(of peer: NodeID) async -> SessionOutcome {
        let none = SessionOutcome(reason: .finished, hasSettled: false)
        let shot = OneShot<SessionOutcome>(none)
        let stands = state.withLockedValue { state -> Bool in
            guard state.sessions[peer] != nil else { return false }
            state.ended[peer, default: []].append(shot)
            return true
        }
        if !stands { shot.finish(none) }
        return await shot.value
    }

    /// Forgets a session that has ended, should its end not have been noted yet.
    func leave(_ handle: SessionHandle) {
        closed(handle, SessionOutcome(reason: .connectionLost, hasSettled: false))
    }

    /// Tells the sessions with these what moved.
    func moved(_ movement: Movement, to isMeant: (NodeID) -> Bool) {
        for session in sessions where isMeant(session.peer) { session.moved(movement) }
    }

    /// Has the sessions look what of a casebook is to be asked for again.
    func lookAgain(in casebook: Digest) {
        moved(Movement(casebook: casebook, held: [], applied: [], isLocal: false)) { _ in true }
    }

    /// Closes every session and refuses further ones.
    func stop() {
        let (sessions, waiters) = state.withLockedValue { state in
            state.isStopping = true
            defer { state.waiting = [:] }
            return (state.sessions.values.map(\.handle), state.waiting.values.flatMap(\.self))
        }
        for session in sessions { session.stop() }
        for waiter in waiters { waiter.finish(nil) }
    }

    private func isPreferred(_ handle: SessionHandle) -> Bool {
        handle.connection.isInitiator == (own < handle.peer)
    }
}
