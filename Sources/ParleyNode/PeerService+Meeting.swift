import ParleyCRDT
import ParleyLog
import ParleyStore
import ParleyTransport

extension PeerService {
    /// Makes sure of a session with a peer and waits until everything has been exchanged.
    ///
    /// Where the session ends meanwhile, for instance because both sides had dialled and one of the
    /// two connections goes, it goes on with the next. Where the peer answers at none of its
    /// addresses it ends at once.
    func sync(with peer: NodeID, within patience: Duration) async -> Meeting {
        let deadline = ContinuousClock.now + patience
        var report = SyncReport(peer: peer, isComplete: false)
        var offered: [Digest: [Clock.Entry]] = [:]
        repeat {
            guard let session = await session(with: peer, until: deadline) else { break }
            offered = ownEntries(in: session.shared)
            let (answer, isTimeUp) = await session.sync(until: deadline)
            report = report.wasConnected ? report.followed(by: answer) : answer
            if isTimeUp || report.failure?.isLasting == true { break }
            if !report.isComplete { hub.leave(session) }
        } while !report.isComplete && ContinuousClock.now < deadline
        if report.isComplete { await noteSync(with: peer, holding: offered) }
        return Meeting(report, looking: lastRound(of: peer), for: patience)
    }

    /// How far this node's own logs can be offered in some casebooks.
    private func ownEntries(in casebooks: [Digest]) -> [Digest: [Clock.Entry]] {
        let own = shelf.identity.node
        return Dictionary(
            casebooks.map { casebook in
                let entries = shelf.store(casebook)?.appliedClock.entries ?? []
                return (casebook, entries.filter { $0.origin.node == own })
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Notes that both sides have everything, which isn't only so when something was exchanged, and
    /// that what is written here is there too. The peer says so itself no sooner than at the next
    /// meeting, and until then somebody may ask what exists here only.
    private func noteSync(with peer: NodeID, holding offered: [Digest: [Clock.Entry]]) async {
        for casebook in shelf.casebooks(of: peer) {
            try? await shelf.store(casebook)?.write { scope in
                try scope.noteHeard(offered[casebook] ?? [], whole: false, from: peer)
                try scope.noteSync(with: peer)
            }
        }
    }

    /// The session with a peer that stands, or one that opens before the deadline.
    ///
    /// - Returns: `nil` when the time is up, and as soon as nobody answers at any address.
    private func session(
        with peer: NodeID, until deadline: ContinuousClock.Instant
    ) async -> SessionHandle? {
        if let session = hub.session(with: peer) { return session }
        let patience = deadline - ContinuousClock.now
        guard patience > .zero else { return nil }
        let hub = hub
        return await withTaskGroup(of: Search.self) { group in
            group.addTask { .ended(await hub.session(with: peer, within: patience)) }
            group.addTask { .looked(await self.lookFor(peer)) }
            defer { group.cancelAll() }
            for await step in group {
                switch step {
                case .ended(let session): return session
                case .looked(let round):
                    if let session = hub.session(with: peer) { return session }
                    if round?.isFinal == true { return nil }
                    // A session stood that is gone by now. After one that broke a rule nobody would
                    // dial again for hours.
                    if round == nil { group.addTask { .looked(await self.lookFor(peer)) } }
                }
            }
            return nil
        }
    }
}

/// What comes of looking for a peer.
private enum Search: Sendable {
    /// A session stands, or the time is up.
    case ended(SessionHandle?)
    /// Every address was tried in vain; `nil` where one wasn't in vain.
    case looked(DialRound?)
}

extension SessionHandle {
    /// Waits until everything has been exchanged, the connection ends, the time is up or who waits
    /// is cancelled; the last two give the wait up.
    fileprivate func sync(
        until deadline: ContinuousClock.Instant
    ) async -> (report: SyncReport, isTimeUp: Bool) {
        await withTaskGroup(of: SyncReport?.self) { group in
            group.addTask { await sync() }
            group.addTask {
                try? await Task.sleep(until: deadline, clock: .continuous)
                return nil
            }
            var isTimeUp = false
            for await report in group {
                group.cancelAll()
                guard let report else {
                    isTimeUp = true
                    continue
                }
                return (report, !report.isComplete && (isTimeUp || Task.isCancelled))
            }
            preconditionFailure("a sync is always answered")
        }
    }
}
