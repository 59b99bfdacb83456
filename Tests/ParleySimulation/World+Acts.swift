import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTestSupport
import ParleyWire

extension World {
    func perform(_ act: Act) async throws {
        var random = SeededGenerator(seed: act.seed)
        let machine = machines[act.machine % machines.count]
        let other = machines[random.below(machines.count)]
        trace.note("\(act.number) \(act.kind) on \(machine.index)")
        switch act.kind {
        case .write: try await write(on: machine, act.number, &random)
        case .erase, .redact: try await takeBack(on: machine, act.kind, &random)
        case .govern: try await govern(&random)
        case .foreign: try await writeForeign(on: machine, &random)
        case .hostileLog: try await signAnything(&random)
        case .bundle: try await bundle(from: machine, &random)
        case .dial: dial(from: machine, to: other, seed: random.next())
        case .tidy: await tidy(machine)
        default: try await strike(act.kind, machine, other, &random)
        }
    }

    /// Faults of disks, clocks and lines.
    private func strike(
        _ kind: Act.Kind, _ machine: Machine, _ other: Machine, _ random: inout SeededGenerator
    ) async throws {
        switch kind {
        case .restart:
            guard machine.condition == .running else { return }
            try await end(machine, restartsAfter: UInt64(random.below(30_000)))
        case .kill, .powerCut:
            // Some operations later, or after a while without any.
            machine.disk.plan(.powerCut(keepsAll: kind == .kill), after: random.below(25))
            later(UInt64(random.below(60_000)), "power of \(machine.index)") { world in
                guard machine.condition == .running else { return }
                try await world.losePower(machine, restartsAfter: 3_000)
            }
        case .diskError:
            machine.disk.plan(
                .broken(forGood: random.chance(percent: 50)), after: random.below(10))
        case .diskFull:
            machine.disk.setFull(true)
            later(UInt64(random.below(120_000)), "room on \(machine.index)") { _ in
                machine.disk.setFull(false)
            }
        case .rot: try await rot(machine, &random)
        case .snapshot: snapshot(machine)
        case .restore: try await restore(machine, &random)
        case .clone: try await clone(machine, &random)
        case .clockJump:
            let tenYears: Int64 = 315_360_000_000
            machine.clock.set(
                offset: Int64(random.below(2 * Int(tenYears))) - tenYears,
                drift: Int64(random.below(20_001)) - 10_000)
        case .clockStop: machine.clock.stop()
        case .cutLine: chosenLine(&random)?.close()
        case .stallLine: chosenLine(&random)?.isStalled[random.below(2)] = true
        case .partition:
            blocked.insert([machine.index, other.index])
            for line in lines where line.joins(machine, other) { line.isStalled = [true, true] }
        case .heal: blocked = []
        case .write, .erase, .redact, .govern, .foreign, .hostileLog, .bundle, .dial, .tidy:
            preconditionFailure("no fault")
        }
    }

    private func chosenLine(_ random: inout SeededGenerator) -> Line? {
        let open = lines.filter(\.isOpen)
        return open.isEmpty ? nil : random.element(of: open)
    }

    // MARK: Users

    /// Writes where the machine runs, and notes what was answered.
    @discardableResult
    func append(
        on machine: Machine, isDelete: Bool = false,
        _ body: @escaping @Sendable (WriteScope) throws -> Appended?
    ) async throws -> Appended? {
        guard machine.condition == .running, let store = machine.store else { return nil }
        do {
            guard let appended = try await store.write(body) else { return nil }
            trace.note("wrote \(appended.dot.sequence) \(appended.hash.bytes[0])")
            try watch.answered(appended, by: machine, isDelete: isDelete)
            return appended
        } catch let error as StoreError {
            trace.note("not written")
            try judge(error, machine)
            return nil
        }
    }

    /// Which errors a store may answer with, faults being what they are.
    func judge(_ error: StoreError, _ machine: Machine) throws {
        switch error {
        case .stopped, .closed, .full, .notPermitted, .unknownRecord, .database: return
        case .damaged where watch.rotten.contains(machine.index): return
        default: throw Violation("machine \(machine.index): an edit fails with \(error)")
        }
    }

    private func write(
        on machine: Machine, _ number: Int, _ random: inout SeededGenerator
    ) async throws {
        guard let id = try await record(on: machine, &random) else {
            let (place, tag) = ("place \(number)", "tag \(random.below(4))")
            try await append(on: machine) {
                try $0.append([
                    .creation(
                        type: .init("exchange")!,
                        [.writing("place", place), .changing(.add, "tags", tag)])
                ])
            }
            return
        }
        let (draw, more) = (random.below(10), random.next())
        let value = "value \(number)"
        let isTakenBack = random.chance(percent: 8)
        try await append(on: machine, isDelete: draw == 5) { scope in
            guard let record = try scope.record(id) else { return nil }
            let place = record.state[.register(.init("place")!)].entries
            let drops = try place.map { try scope.reference(to: $0.dot) }
            let operations = Operation.edit(draw, value, dropping: drops, chance: more)
            let appended = try scope.append([
                .edit(of: record.reference, operations), .reason(Array("because".utf8)),
            ])
            // Somebody's command fails after it has written something.
            if isTakenBack { throw StoreError.unknownRecord }
            return appended
        }
    }

    /// A record to work on; `nil` where a new one is made.
    private func record(
        on machine: Machine, _ random: inout SeededGenerator
    ) async throws -> RecordID? {
        guard machine.condition == .running, let store = machine.store else { return nil }
        let known = try? await store.read { scope in
            try scope.list(type: nil, filters: [], sort: nil, limit: 0).map(\.id).sorted()
        }
        guard let known, !known.isEmpty, !random.chance(percent: 15) else { return nil }
        return random.element(of: known)
    }

    private func takeBack(
        on machine: Machine, _ kind: Act.Kind, _ random: inout SeededGenerator
    ) async throws {
        guard let id = try await record(on: machine, &random) else { return }
        try await append(on: machine) { scope in
            kind == .erase
                ? try scope.erase(id, basis: "asked")
                : try scope.redact(id, .init("note")!, basis: "asked")
        }
    }

    /// What a later version writes, kept and passed on by all.
    private func writeForeign(
        on machine: Machine, _ random: inout SeededGenerator
    ) async throws {
        let kind = GroupKind(rawValue: UInt8(40 + random.below(40)))
        let payload = [UInt8](repeating: UInt8(random.below(256)), count: random.below(40))
        try await append(on: machine) {
            try $0.append([
                Group(kind: kind, subject: .casebook, content: .payload(payload))
            ])
        }
    }

    /// A coordinator decides about somebody who is none.
    private func govern(_ random: inout SeededGenerator) async throws {
        let machine = machines[random.below(2)]
        let target = machines[2 + random.below(plan.machines - 2)].node
        let (draw, fraction) = (random.below(4), random.below(101))
        watch.governed()
        try await append(on: machine) { scope in
            guard let member = try scope.members().first(where: { $0.node == target }) else {
                return nil
            }
            switch draw {
            case 0: return try scope.setRole(of: member, to: .reader)
            case 1: return try scope.setRole(of: member, to: .editor)
            default:
                let logs = try scope.acceptedTips(of: target)
                // Now and then nothing of a log counts.
                return try scope.revoke(
                    target, keeping: fraction < 50 ? logs : Array(logs.prefix(fraction % 2)))
            }
        }
    }

    // MARK: Files between machines

    /// Takes batches from one machine, which another gets later, or several, or twice.
    private func bundle(from machine: Machine, _ random: inout SeededGenerator) async throws {
        guard machine.condition == .running, let store = machine.store else { return }
        let origins = store.appliedClock.entries.map(\.origin)
        guard !origins.isEmpty else { return }
        let log = PeerLog(origin: random.element(of: origins), tips: [])
        let limit = 1 << (6 + random.below(12))
        guard let read = try? await store.batches(for: [log], byteLimit: limit) else { return }
        let bytes = read.batches.map(\.bytes)
        for _ in 0...random.below(3) {
            let target = machines[random.below(machines.count)]
            later(UInt64(random.below(200_000)), "bundle to \(target.index)") { world in
                try await world.deliver(bytes, to: target)
            }
        }
    }

    /// Takes batches in as a store does, all or none.
    func deliver(_ bytes: [[UInt8]], to machine: Machine) async throws {
        guard machine.condition == .running, let store = machine.store else { return }
        let before = (store.heldClock, store.appliedClock)
        do {
            let report = try await store.ingest(store.verify(bytes))
            trace.note("took \(report.received) applied \(report.applied)")
        } catch {
            trace.note("took nothing")
            guard store.heldClock == before.0, store.appliedClock == before.1 else {
                throw Violation("machine \(machine.index): a refused batch moved a clock")
            }
        }
    }

    func tidy(_ machine: Machine) async {
        guard machine.condition == .running, let store = machine.store else { return }
        while (try? await store.indexStep()) == true {}
        _ = try? await store.seal(minimumRuns: 2)
        _ = try? await store.finishErasures()
    }
}

extension ParleyModel.Operation {
    fileprivate static func writing(
        _ field: String, _ value: String, isSensitive: Bool = false
    ) -> ParleyModel.Operation {
        .init(
            .write, field: FieldName(field)!, values: [.text(Array(value.utf8))],
            isSensitive: isSensitive)
    }

    fileprivate static func changing(
        _ kind: OperationKind, _ field: String, _ value: String
    ) -> ParleyModel.Operation {
        .init(kind, field: FieldName(field)!, values: [.text(Array(value.utf8))])
    }

    /// One of the edits a person makes.
    fileprivate static func edit(
        _ draw: Int, _ value: String, dropping drops: [DotReference], chance: UInt64
    ) -> [ParleyModel.Operation] {
        let tag = "tag \(chance % 4)"
        switch draw {
        case 0...2: return [.writing("place", value)]
        case 3: return [.changing(.add, "tags", tag), .writing("note", value, isSensitive: true)]
        case 4: return [.changing(.remove, "tags", tag)]
        case 5: return [.init(.setState, field: nil, values: [.deleted])]
        case 6: return [.init(.setState, field: nil, values: [.live])]
        case 7 where !drops.isEmpty:
            return [
                .init(
                    .resolve, field: FieldName("place")!, values: [.text(Array(value.utf8))],
                    drops: [drops[Int(chance % UInt64(drops.count))]])
            ]
        case 8 where !drops.isEmpty:
            return [
                .init(
                    .resolve, field: FieldName("place")!,
                    values: [.text(Array(value.utf8)), .text(Array("other".utf8))], drops: drops)
            ]
        default: return [.writing("place", value), .changing(.add, "tags", tag)]
        }
    }
}
