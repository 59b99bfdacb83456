import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleyTestSupport
import ParleyWire

/// The beginning, and the end of all faults.
extension World {
    /// How long it may take from the end of all faults until everybody has the same, in milliseconds.
    static let patience: UInt64 = 600_000

    /// A casebook with two coordinators and some editors, on machines that all have the same.
    func found() async throws {
        for index in 0..<plan.machines {
            let identity = Identity(privateKey: [UInt8](repeating: UInt8(index + 1), count: 32))!
            machines.append(
                Machine(
                    index: index, identity: identity, name: "m\(index)", folder: folder,
                    seed: seed &+ UInt64(index) &* 7919,
                    isHostile: index >= plan.machines - plan.hostile))
        }
        let founder = machines[0]
        let first = try await CasebookStore.found(
            at: founder.path, name: World.casebookName, memberName: founder.name,
            identity: founder.identity, environment: founder.clock.environment)
        for machine in machines.dropFirst() {
            let admission = Admission(
                node: machine.node, role: machine.index == 1 ? .coordinator : .editor,
                name: machine.name)
            try await first.write { _ = try $0.admit(admission) }
        }
        let read = try await first.batches(
            for: [PeerLog(origin: first.origin, tips: [])], byteLimit: 1 << 20)
        for machine in machines.dropFirst() {
            let store = try CasebookStore.joining(
                at: machine.path, casebook: first.casebookID, identity: machine.identity,
                environment: machine.clock.environment)
            try await store.ingest(store.verify(read.batches.map(\.bytes)))
            try await store.close()
        }
        try await first.close()
        for machine in machines { try await start(machine) }
    }

    /// All faults end. Who has turned against the others is heard of no more.
    func heal() async throws {
        trace.note("healed")
        hasHealed = true
        blocked = []
        closeLines()
        for machine in machines {
            machine.disk.heal()
            if machine.disk.isDead { try await losePower(machine, restartsAfter: 1_000) }
            if machine.condition == .down { restart(machine, after: 1_000) }
        }
        try await work(until: now + 300_000)
        for machine in machines where machine.isHostile { await machine.stop() }
        for machine in machines where watch.rotten.contains(machine.index) {
            if try await isDamaged(machine) { await machine.giveUp() }
        }
    }

    private func isDamaged(_ machine: Machine) async throws -> Bool {
        guard machine.condition == .running, let store = machine.store else { return true }
        guard let pages = try? await store.damage(by: .indexes),
            let report = try? await store.audit()
        else { return true }
        return !pages.isEmpty || !report.findings.isEmpty
    }

    /// Those who must come to the same: honest, sound, and not shut out.
    var participants: [Machine] {
        let (members, suspended) = (machines[0].store?.members ?? [], machines[0].store?.suspended)
        let welcome = machines.filter { machine in
            machine.condition == .running && !machine.isHostile
                && suspended?.contains(machine.node) == false
                && members.contains { $0.node == machine.node && !$0.isRevoked }
        }
        // Copies of one node never speak with each other; they need somebody else for that.
        return Set(welcome.map(\.node)).count > 1 ? welcome : Array(welcome.prefix(1))
    }

    /// Has everybody meet everybody until all have the same, once more because tidying up may write
    /// receipts, and once more where somebody makes them differ in hashes alone.
    ///
    /// - Returns: how long that took, in milliseconds, from when nobody held back what they have because
    ///   of others who don't come any more.
    /// - Throws: `Violation` where that takes too long.
    func converge() async throws -> UInt64 {
        let begin = now
        try await meet(until: begin + World.patience)
        let taken = now - max(begin, min(now, heldBackUntil))
        for machine in participants { await tidy(machine) }
        try await meet(until: now + World.patience)
        if try await forkUnseen() { try await meet(until: now + World.patience) }
        return taken
    }

    private func meet(until limit: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        repeat {
            noteHeldBack()
            guard now < max(limit, heldBackUntil + World.patience) else {
                let states = participants.map { machine in
                    "\(machine.index): \(World.words(machine.store!.appliedClock))"
                        + (machine.store!.heldClock == machine.store!.appliedClock
                            ? "" : ", holds \(World.words(machine.store!.heldClock))")
                }
                throw Violation(
                    "not all have the same within \(World.patience / 1_000) s: \(states)")
            }
            let machines = participants
            for one in machines {
                for other in machines where one.index < other.index {
                    dial(from: one, to: other, seed: random.next())
                }
            }
            try await work(until: now + 2_000)
        } while !haveSame
    }

    private static func words(_ clock: Clock) -> String {
        clock.entries.map { entry in
            "\(entry.origin.text.prefix(4)).\(entry.origin.epoch % 1000):\(entry.tips.map(\.sequence))"
        }.joined(separator: " ")
    }

    /// Who refused something for want of room passes nothing on for a while, unless it comes again.
    private func noteHeldBack() {
        let ends = participants.compactMap { $0.shelf?.passesOnAt }.max()
        if let ends { heldBackUntil = max(heldBackUntil, UInt64(ends / .milliseconds(1))) }
    }

    private var haveSame: Bool {
        Set(participants.map { $0.store!.appliedClock }).count == 1
    }
}
