import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleySync
import ParleyTransport
import ParleyWire

/// Holds what happens against what is promised, from outside.
struct Watch {
    /// What a machine's store had published.
    private struct Seen {
        var held = Clock()
        var applied = Clock()
        var time: HybridTime?
    }

    private var seen: [Int: Seen] = [:]
    /// Whoever got an answer relies on these, by the machine that gave it.
    private(set) var acknowledged: [Dot: Int] = [:]
    private(set) var acknowledgedCount = 0
    private(set) var deleteCount = 0
    /// The hashes that were seen at a place in a log.
    private var hashes: [Origin: [UInt64: Set<HashPrefix>]] = [:]
    /// Nodes whose files went back or were copied, or who sign what they like.
    private(set) var forking: Set<NodeID> = []
    /// Machines on which a bit turned around.
    private(set) var rotten: Set<Int> = []
    private(set) var isGoverned = false
    /// Machines whose files went back.
    private(set) var restored: Set<Int> = []
    /// What was found where nothing can be thrown.
    private(set) var problem: Violation?

    // MARK: Noting

    mutating func mayFork(_ machine: Machine) { forking.insert(machine.node) }
    mutating func rotted(_ machine: Machine) { rotten.insert(machine.index) }
    mutating func governed() { isGoverned = true }

    /// The files of a machine are an earlier state of themselves.
    mutating func wentBack(_ machine: Machine) {
        seen[machine.index] = nil
        restored.insert(machine.index)
    }

    /// Nobody has these any more, by no fault of the programs.
    mutating func excuse(_ lost: Set<Dot>) {
        for dot in lost { acknowledged[dot] = nil }
    }

    mutating func answered(
        _ appended: Appended, by machine: Machine, isDelete: Bool
    ) throws {
        acknowledged[appended.dot] = machine.index
        acknowledgedCount += 1
        if isDelete { deleteCount += 1 }
        let before = seen[machine.index]?.time
        seen[machine.index, default: Seen()].time = appended.time
        guard !rotten.contains(machine.index) else { return }
        try require(before.map { $0 < appended.time } ?? true, "a clock went back", machine)
        let limit = max(machine.clock.latest + 300_000, before?.milliseconds ?? 0) + 1
        let isBehind = appended.time.milliseconds <= limit || before == nil
        try require(isBehind, "others moved a clock by more than 5 minutes", machine)
    }

    // MARK: Checking

    /// A commit is durable.
    mutating func moved(_ notice: CommitNotice, on machine: Machine) async throws {
        guard let store = machine.store, !rotten.contains(machine.index) else { return }
        try notePlaces(notice.held, machine)
        try advance(machine, to: store)
        for entry in notice.moved {
            for tip in entry.tips {
                let dot = Dot(origin: entry.origin, sequence: tip.sequence, hash: tip.hash)
                let change = try? await store.read { try $0.loggedChange(dot)?.change }
                let applied = store.appliedClock
                let isCausal = (change?.contextDelta ?? []).allSatisfy { cause in
                    let last = applied[cause.origin].map(\.sequence).max() ?? 0
                    return cause.tips.allSatisfy { $0.sequence <= last }
                }
                try require(isCausal, "a change shows without its causes", machine)
            }
        }
    }

    /// What was published is there after whatever ended the process.
    mutating func started(_ machine: Machine) async throws {
        let isRotten = rotten.contains(machine.index)
        guard let store = machine.store, !isRotten else {
            return try require(isRotten, "the store can't be opened", machine)
        }
        try advance(machine, to: store)
    }

    private mutating func advance(_ machine: Machine, to store: CasebookStore) throws {
        let before = seen[machine.index] ?? Seen()
        try require(store.heldClock.reaches(before.held), "held changes are gone", machine)
        try require(store.appliedClock.reaches(before.applied), "records went back", machine)
        seen[machine.index, default: Seen()].held = store.heldClock
        seen[machine.index, default: Seen()].applied = store.appliedClock
    }

    private mutating func notePlaces(_ entries: [Clock.Entry], _ machine: Machine) throws {
        for entry in entries {
            for tip in entry.tips {
                hashes[entry.origin, default: [:]][tip.sequence, default: []].insert(tip.hash)
                let isOne = hashes[entry.origin]![tip.sequence]!.count == 1
                try require(
                    isOne || forking.contains(entry.origin.node),
                    "two changes have one place in a log", machine)
            }
        }
    }

    mutating func check(_ session: Session, of machine: Machine) {
        let limit = Limits.unacknowledgedBytesPerPeer + Limits.frameBytes
        guard session.unacknowledgedBytes > limit else { return }
        problem = Violation("\(machine.index): too much under way to one peer")
    }

    /// A store refused what a peer sent.
    mutating func refused(_ reason: CloseReason, from peer: Machine, by machine: Machine) {
        let isAccusation = [.badSignature, .corrupt, .protocolViolation].contains(reason)
        guard isAccusation else { return }
        accuse(peer, machine, reason.rawValue)
    }

    /// A session ended because of what the peer said.
    mutating func closed(_ end: SessionEnd, with peer: Machine, by machine: Machine) {
        if end.isViolation { accuse(peer, machine, "\(end)") }
    }

    private mutating func accuse(_ peer: Machine, _ machine: Machine, _ reason: String) {
        guard !peer.isHostile, !machine.isHostile, !rotten.contains(peer.index),
            !rotten.contains(machine.index)
        else { return }
        problem = Violation(
            "\(machine.index) refuses what the honest \(peer.index) sends: \(reason)")
    }

    private func require(_ isTrue: Bool, _ what: String, _ machine: Machine) throws {
        guard !isTrue else { return }
        throw Violation("machine \(machine.index): \(what)")
    }
}

extension Clock {
    /// Whether every log is as long here, branches not looked at.
    fileprivate func reaches(_ earlier: Clock) -> Bool {
        earlier.entries.allSatisfy { entry in
            (self[entry.origin].map(\.sequence).max() ?? 0)
                >= (entry.tips.map(\.sequence).max() ?? 0)
        }
    }
}
