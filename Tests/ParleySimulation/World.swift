import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleySync
import ParleyTestSupport
import ParleyWire

/// Whole nodes on simulated time, network, disks and users; everything that happens follows from one
/// seed.
///
/// First acts and faults, with safety checked after each event; then all faults end, and everybody must
/// come to the same within a bound.
package final class World {
    let seed: UInt64
    let plan: Plan
    let acts: [Act]
    let folder: String
    var machines: [Machine] = []
    var lines: [Line] = []
    var queue = EventQueue()
    var now: UInt64 = 0
    var trace: Trace
    var watch = Watch()
    /// Directions in which nothing passes, from one machine's index to another's.
    var blocked: Set<[Int]> = []
    var hasHealed = false
    /// Until when somebody held back what it has, in case of news that didn't come.
    var heldBackUntil: UInt64 = 0
    private var lineCount = 0

    static let casebookName = "exchange"

    /// - Parameters:
    ///   - kept: which acts happen; `nil` for all.
    ///   - isVerbose: prints each event.
    package init(seed: UInt64, keeping kept: Set<Int>? = nil, isVerbose: Bool = false) {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        plan = Plan(&random)
        let drawn = Act.drawn(by: plan, &random)
        acts = drawn.filter { kept?.contains($0.number) ?? true }
        trace = Trace(isVerbose: isVerbose)
        folder = World.freshFolder()
    }

    /// How many acts the seed draws.
    package static func actCount(of seed: UInt64) -> Int {
        var random = SeededGenerator(seed: seed)
        return Plan(&random).acts
    }

    /// In memory where there is such a place: what a power cut takes is simulated anyway.
    private static func freshFolder() -> String {
        let base =
            FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        let path = base + "/parley-simulation-" + UUID().uuidString
        try? FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        return path
    }

    /// What became of a run.
    package struct Outcome: Sendable {
        /// Over all events, the same whenever the seed is.
        package let trace: UInt64
        package let acknowledged: Int
        package let deletes: Int
        package let events: Int
        /// From the end of all faults, and of what nodes hold back after a full disk, until everybody
        /// had the same.
        package let milliseconds: UInt64
    }

    /// - Throws: `Violation` where something happened that never may.
    package func run() async throws -> Outcome {
        do {
            try await found()
            var moment = now
            for act in acts {
                if act.pause > World.evening {
                    // Nobody stays on the line for days.
                    at(moment + World.evening, "evening") { $0.closeLines() }
                }
                moment += act.pause
                at(moment, "act") { world in try await world.perform(act) }
            }
            try await work(until: moment + 1)
            try await heal()
            let taken = try await converge()
            try await FinalCheck(self).run()
            let outcome = Outcome(
                trace: trace.value, acknowledged: watch.acknowledgedCount,
                deletes: watch.deleteCount, events: trace.count, milliseconds: taken)
            await end()
            return outcome
        } catch {
            await end()
            throw error
        }
    }

    private func end() async {
        for line in lines { line.close() }
        for machine in machines {
            await machine.stop()
            machine.disk.remove()
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Events

    func at(_ moment: UInt64, _ label: String, _ body: @escaping (World) async throws -> Void) {
        queue.push(moment, label, body)
    }

    func later(_ delay: UInt64, _ label: String, _ body: @escaping (World) async throws -> Void) {
        at(now + delay, label, body)
    }

    /// Lets happen what is due up to a moment.
    func work(until moment: UInt64) async throws {
        while let event = queue.pop(until: moment) {
            pass(to: event.moment)
            trace.note("\(now) \(event.label)")
            try await event.body(self)
            try await settle()
            if let problem = watch.problem { throw problem }
        }
        pass(to: max(now, moment))
    }

    private func pass(to moment: UInt64) {
        now = moment
        for machine in machines { machine.clock.now = moment }
    }

    var moment: Moment { Moment(milliseconds: now) }

    /// Passes on what commits have moved, and ends what their stores have given up.
    private func settle() async throws {
        for machine in machines where machine.condition == .running {
            let events = machine.takeEvents()
            for notice in events.notices { try await announce(notice, of: machine) }
            if machine.disk.isDead {
                try await losePower(machine, restartsAfter: 5_000)
            } else if events.hasStopped {
                guard machine.disk.hasFailed || watch.rotten.contains(machine.index) else {
                    throw Violation("machine \(machine.index): the store gave up on a sound disk")
                }
                try await end(machine, restartsAfter: 2_000)
            }
        }
    }

    private func announce(_ notice: CommitNotice, of machine: Machine) async throws {
        guard let store = machine.store, let shelf = machine.shelf else { return }
        try await watch.moved(notice, on: machine)
        let own = store.origin
        for line in lines where line.isOpen {
            for end in line.ends where end.machine === machine && end.session != nil {
                guard shelf.isMember(end.peer.node, of: store.casebookID) else { continue }
                for isLocal in [true, false] {
                    let held = notice.held.filter { ($0.origin == own) == isLocal }
                    let applied = notice.moved.filter { ($0.origin == own) == isLocal }
                    guard !held.isEmpty || !applied.isEmpty else { continue }
                    handle(line, end) {
                        $0.moved(
                            casebook: store.casebookID, held: held, applied: applied,
                            isLocal: isLocal, now: self.moment)
                    }
                }
            }
        }
        guard shelf.haveMembersChanged(of: store) else { return }
        for line in lines where line.isOpen {
            for end in line.ends
            where end.machine === machine && !shelf.isMemberOfAny(end.peer.node) {
                line.close()
            }
        }
    }

    // MARK: Machines going and coming

    func losePower(_ machine: Machine, restartsAfter delay: UInt64) async throws {
        trace.note("\(machine.index) loses power")
        hangUp(machine)
        var random = SeededGenerator(seed: seed &+ now)
        await machine.losePower(&random)
        restart(machine, after: delay)
    }

    func end(_ machine: Machine, restartsAfter delay: UInt64) async throws {
        trace.note("\(machine.index) ends")
        hangUp(machine)
        await machine.stop()
        restart(machine, after: delay)
    }

    func hangUp(_ machine: Machine) {
        for line in lines where line.ends.contains(where: { $0.machine === machine }) {
            line.close()
        }
    }

    func restart(_ machine: Machine, after delay: UInt64) {
        later(delay, "start \(machine.index)") { world in try await world.start(machine) }
    }

    func start(_ machine: Machine) async throws {
        guard machine.condition == .down else { return }
        machine.disk.heal()
        var random = SeededGenerator(seed: seed &+ now &+ UInt64(machine.index))
        await machine.start(seed: random.next())
        trace.note("\(machine.index) is \(machine.condition)")
        guard machine.condition != .down else {
            // The power went while it started.
            return try await losePower(machine, restartsAfter: 1_000)
        }
        try await watch.started(machine)
    }

    // MARK: Lines

    /// How long lines stay open where nothing else happens for longer.
    private static let evening: UInt64 = 300_000

    func closeLines() {
        for line in lines { line.close() }
    }

    func dial(from one: Machine, to other: Machine, seed: UInt64) {
        guard one.condition == .running, other.condition == .running, one.node != other.node,
            !blocked.contains([one.index, other.index]),
            !blocked.contains([other.index, one.index]),
            one.shelf!.isMemberOfAny(other.node), other.shelf!.isMemberOfAny(one.node),
            !lines.contains(where: { $0.isOpen && $0.joins(one, other) })
        else { return }
        lineCount += 1
        let line = Line(number: lineCount, dialler: one, answerer: other, seed: seed)
        lines.removeAll { !$0.isOpen }
        lines.append(line)
        trace.note("line \(line.number): \(one.index) to \(other.index)")
        load(line, line.ends[0])
    }
}
