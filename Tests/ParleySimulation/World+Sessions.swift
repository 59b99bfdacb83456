import ParleyCRDT
import ParleyStore
import ParleySync
import ParleyTransport
import ParleyWire

/// What the driver of a session does in a daemon, on simulated time: translates events, calls the
/// session, performs its actions.
extension World {
    /// Reads from the store what the session opens with.
    func load(_ line: Line, _ end: Line.End) {
        end.isLoading = true
        ask(
            line, end, "openings", { await $0.openings(for: $1) },
            then: { world, openings in
                end.isLoading = false
                end.session = Session(
                    side: end.isInitiator ? .initiator : .responder, run: end.machine.run,
                    openings: openings, now: world.moment)
                for opening in openings { end.openings[opening.casebook] = opening }
                world.handle(line, end) { $0.start(now: world.moment) }
                world.receiveEarly(line, end)
            })
    }

    /// Has the store asked a little later, and the answer handled a little after that.
    private func ask<Answer: Sendable>(
        _ line: Line, _ end: Line.End, _ label: String,
        _ question: @escaping @Sendable (any Replica, NodeID) async -> Answer,
        then: @escaping (World, Answer) -> Void
    ) {
        let delays = (line.delay(30), line.delay(30))
        later(delays.0, "\(line.number) \(label)") { world in
            guard line.isOpen, let replica = end.machine.replica else { return }
            let answer = await question(replica, end.peer.node)
            world.later(delays.1, "\(line.number) \(label) answered") { world in
                guard line.isOpen, !end.hasHungUp, end.machine.condition == .running else { return }
                then(world, answer)
            }
        }
    }

    /// Calls the session and performs what it answers.
    func handle(_ line: Line, _ end: Line.End, _ body: (inout Session) -> [SessionAction]) {
        guard line.isOpen, end.session != nil else { return }
        for action in body(&end.session!) { perform(action, line, end) }
        guard line.isOpen, let session = end.session else { return }
        watch.check(session, of: end.machine)
        if !end.hasOpened, session.peerRun != nil {
            end.hasOpened = true
            catchUp(line, end)
        }
        setAlarm(line, end)
    }

    /// Tells the session what was committed between reading its openings and hearing of commits.
    private func catchUp(_ line: Line, _ end: Line.End) {
        end.isLoading = true
        ask(
            line, end, "catching up", { await $0.openings(for: $1) },
            then: { world, openings in
                end.isLoading = false
                for opening in openings {
                    guard let before = end.openings[opening.casebook] else { continue }
                    world.handle(line, end) {
                        $0.moved(
                            casebook: opening.casebook,
                            held: opening.clock.entries(movedSince: before.clock),
                            applied: opening.applied.entries(movedSince: before.applied),
                            isLocal: false, now: world.moment)
                    }
                }
                world.receiveEarly(line, end)
            })
    }

    private func receiveEarly(_ line: Line, _ end: Line.End) {
        while line.isOpen, !end.isLoading, !end.early.isEmpty {
            let message = end.early.removeFirst()
            handle(line, end) { $0.receive(message, now: self.moment) }
        }
    }

    private func setAlarm(_ line: Line, _ end: Line.End) {
        guard let deadline = end.session?.deadline?.milliseconds,
            deadline < end.alarm ?? .max
        else { return }
        end.alarm = deadline
        at(max(now, deadline), "\(line.number) alarm") { world in
            guard end.alarm == deadline else { return }
            end.alarm = nil
            world.handle(line, end) { $0.tick(now: world.moment) }
            if line.isOpen { world.setAlarm(line, end) }
        }
    }

    // MARK: Frames

    func send(_ message: Message, _ line: Line, _ end: Line.End) {
        let side = end.isInitiator ? 1 : 0
        var frames = [message.encoded()]
        if end.machine.isHostile, !hasHealed { line.spoil(&frames) }
        for frame in frames {
            line.arrival[side] = max(line.arrival[side], now + line.delay(plan.latency))
            at(line.arrival[side], "\(line.number) frame \(frame.first ?? 0) \(frame.count)") {
                world in
                guard line.isOpen, !line.isStalled[side], !line.ends[side].hasHungUp else { return }
                world.receive(frame, line, line.ends[side])
            }
        }
    }

    private func receive(_ frame: [UInt8], _ line: Line, _ end: Line.End) {
        guard end.machine.condition == .running, let tag = frame.first else { return line.close() }
        let message: Message?
        do {
            message = try Message(tag: tag, payload: Array(frame.dropFirst()))
        } catch {
            return line.close()
        }
        guard let message else { return }
        if end.isLoading {
            end.early.append(message)
        } else if end.session == nil {
            end.early.append(message)
            load(line, end)
        } else {
            handle(line, end) { $0.receive(message, now: self.moment) }
        }
    }

    // MARK: Actions

    private func perform(_ action: SessionAction, _ line: Line, _ end: Line.End) {
        switch action {
        case .send(let message):
            send(message, line, end)
        case .read(let casebook, let request, let byteLimit):
            read(line, end, casebook, request, byteLimit)
        case .readLocators(let casebook, let origin):
            ask(
                line, end, "locators",
                { replica, _ in
                    await replica.locators(of: origin, in: casebook)
                },
                then: { world, branches in
                    world.handle(line, end) {
                        $0.supplyLocators(
                            casebook: casebook, branches, of: origin, now: world.moment)
                    }
                })
        case .findShared(let casebook, let origin, let points):
            ask(
                line, end, "shared",
                { replica, _ in
                    await replica.newestShared(of: origin, among: points, in: casebook)
                },
                then: { world, tip in
                    world.handle(line, end) {
                        $0.found(casebook: casebook, shared: tip, of: origin, now: world.moment)
                    }
                })
        case .findMissing(let casebook):
            ask(
                line, end, "missing",
                { replica, _ in
                    await replica.missing(in: casebook)
                },
                then: { world, missing in
                    world.handle(line, end) {
                        $0.supplyMissing(casebook: casebook, missing, now: world.moment)
                    }
                })
        case .store(let casebook, let batch):
            end.intake.append(batch, casebook)
            storeNext(line, end)
        case .rememberHeard(let casebook, let clock):
            ask(
                line, end, "heard",
                { replica, peer in
                    await replica.rememberHeard(clock, from: peer, in: casebook)
                }, then: { _, _ in })
        case .rememberTold(let casebook):
            guard let opening = end.openings[casebook] else { return }
            ask(
                line, end, "told",
                { replica, peer in
                    await replica.rememberTold(opening, to: peer)
                }, then: { _, _ in })
        case .heardAll(let casebook):
            end.machine.replica?.heardAll(from: end.peer.node, in: casebook)
        case .caughtUp(let casebook):
            ask(
                line, end, "met",
                { replica, peer in
                    await replica.rememberExchange(with: peer, in: casebook)
                }, then: { _, _ in })
        case .rememberAddresses, .passed:
            break
        case .close(let reason):
            watch.closed(reason, with: end.peer, by: end.machine)
            hangUp(line, end)
        }
    }

    private func read(
        _ line: Line, _ end: Line.End, _ casebook: Digest, _ request: ReadRequest, _ byteLimit: Int
    ) {
        ask(
            line, end, "read",
            { replica, peer in
                await replica.batches(in: casebook, for: peer, request, byteLimit: byteLimit)
            },
            then: { world, outcome in
                switch outcome {
                case .read(let read):
                    world.handle(line, end) {
                        $0.supply(casebook: casebook, read, now: world.moment)
                    }
                case .refused, .unable: world.hangUp(line, end)
                }
            })
    }

    private func storeNext(_ line: Line, _ end: Line.End) {
        if let (group, runs) = end.intake.next(
            SessionDriver.batchesPerTransaction, orColumns: SessionDriver.columnsPerTransaction)
        {
            ask(
                line, end, "check",
                { replica, peer in
                    await replica.check(
                        group.batches, after: runs, from: peer, in: group.casebook)
                },
                then: { world, checked in
                    end.intake.checked(group, checked)
                    world.storeNext(line, end)
                })
        }
        guard let (group, checked) = end.intake.nextChecked() else { return }
        ask(
            line, end, "store", { _, _ in await checked.store() },
            then: { world, outcome in
                end.intake.stored(group)
                switch outcome {
                case .stored(let runs, _, _):
                    for run in runs {
                        world.handle(line, end) {
                            $0.stored(casebook: group.casebook, run, now: world.moment)
                        }
                    }
                    world.storeNext(line, end)
                case .refused(let reason):
                    world.watch.refused(reason, from: end.peer, by: end.machine)
                    world.hangUp(line, end)
                case .unable:
                    world.hangUp(line, end)
                }
            })
        storeNext(line, end)
    }

    /// This side is done; the other hears of it after what is under way.
    private func hangUp(_ line: Line, _ end: Line.End) {
        end.session = nil
        end.hasHungUp = true
        let side = end.isInitiator ? 1 : 0
        at(max(now, line.arrival[side]), "\(line.number) ends") { _ in line.close() }
    }
}
