import NIOCore
import ParleyCRDT
import ParleySync
import ParleyWire

/// What a session needs of the stores: asked off the event loop, answered on it.
extension SessionDriver {
    func readLocators(of origin: Origin, in casebook: Digest) {
        let replica = replica
        connection.run(
            { await replica.locators(of: origin, in: casebook) },
            then: { [self] branches in
                handle { $0.supplyLocators(casebook: casebook, branches, of: origin, now: now()) }
            })
    }

    func findShared(of origin: Origin, among points: [Tip], in casebook: Digest) {
        let replica = replica
        connection.run(
            { await replica.newestShared(of: origin, among: points, in: casebook) },
            then: { [self] tip in
                handle { $0.found(casebook: casebook, shared: tip, of: origin, now: now()) }
            })
    }

    func findMissing(in casebook: Digest) {
        let replica = replica
        connection.run(
            { await replica.missing(in: casebook) },
            then: { [self] missing in
                handle { $0.supplyMissing(casebook: casebook, missing, now: now()) }
            })
    }

    func read(_ casebook: Digest, _ request: ReadRequest, _ byteLimit: Int) {
        let (replica, peer) = (replica, connection.peer)
        connection.run(
            { await replica.batches(in: casebook, for: peer, request, byteLimit: byteLimit) },
            then: { [self] outcome in
                switch outcome {
                case .read(let read):
                    handle { $0.supply(casebook: casebook, read, now: self.now()) }
                case .refused(let reason):
                    end(reason, reason.close)
                case .unable:
                    end(.shuttingDown, Close(.overloaded, text: "cannot read now"))
                }
            })
    }

    /// Has the next batches checked, and those that are checked stored, one transaction at a time.
    func storeNext() {
        let (replica, peer) = (replica, connection.peer)
        if let (group, runs) = intake.next(
            SessionDriver.batchesPerTransaction, orColumns: SessionDriver.columnsPerTransaction)
        {
            connection.run(
                { await replica.check(group.batches, after: runs, from: peer, in: group.casebook) },
                then: { [self] checked in
                    intake.checked(group, checked)
                    storeNext()
                })
        }
        guard let (group, checked) = intake.nextChecked() else { return }
        connection.run(
            { await checked.store() },
            then: { [self] outcome in
                intake.stored(group)
                resumeReading()
                switch outcome {
                case .stored(let runs, let conflicts, let uninterpreted):
                    account.note(conflicts: conflicts, uninterpreted: uninterpreted)
                    for run in runs {
                        handle { $0.stored(casebook: group.casebook, run, now: self.now()) }
                    }
                    storeNext()
                case .refused(let reason):
                    refusal = reason
                    handle { $0.refused(reason.rawValue, now: self.now()) }
                case .unable:
                    end(.shuttingDown, Close(.overloaded, text: "cannot store now"))
                }
            })
        // The next can be checked meanwhile.
        storeNext()
    }

    /// Reads on unless the stores are being read or much waits to be stored.
    func resumeReading() {
        guard !isLoading, intake.byteCount <= SessionDriver.storingLimit / 2,
            notes.count <= SessionDriver.notesLimit / 2
        else { return }
        connection.setReading(true)
    }

    /// Remembers that this peer was met, for each casebook in which something was exchanged since
    /// that was last noted, and for the first time both had everything.
    func noteExchanges() {
        let tallies = session?.tallies ?? [:]
        for casebook in settled where noted[casebook] != tallies[casebook] {
            noted[casebook] = tallies[casebook]
            remember { [peer = connection.peer] in
                await $0.rememberExchange(with: peer, in: casebook)
            }
        }
    }

    /// Has the store note something, one thing after the other. Reading waits where many have to:
    /// what a peer says faster than it can be noted mustn't pile up here.
    func remember(_ body: @escaping @Sendable (any Replica) async -> Void) {
        notes.append(body)
        if notes.count > SessionDriver.notesLimit { connection.setReading(false) }
        noteNext()
    }

    private func noteNext() {
        guard !isNoting, !notes.isEmpty else { return }
        isNoting = true
        let (replica, body) = (replica, notes.removeFirst())
        connection.run(
            { await body(replica) },
            then: { [self] in
                isNoting = false
                resumeReading()
                noteNext()
            })
    }
}
