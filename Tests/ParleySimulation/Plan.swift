import ParleyTestSupport

/// What may happen in one run, drawn from its seed.
struct Plan: Sendable {
    var machines = 3
    /// Acts of users, meetings and faults, before everything heals.
    var acts = 120
    /// How often each kind of act is drawn, against each other.
    var weights: [(kind: Act.Kind, weight: Int)] = []
    /// The longest that a frame is under way, in milliseconds.
    var latency = 200
    /// The longest between two acts, in milliseconds; now and then days pass.
    var pause = 20_000
    /// Machines whose owner has turned against the others: the last of them.
    var hostile = 0

    init(_ random: inout SeededGenerator) {
        machines = 3 + random.below(3)
        acts = 60 + random.below(120)
        latency = random.element(of: [1, 50, 400, 5_000])
        pause = random.element(of: [50, 3_000, 60_000])
        weights = [
            (.write, 60), (.dial, 30 + random.below(40)), (.tidy, 2 + random.below(6)),
            (.restart, random.below(4)), (.foreign, random.below(4)), (.erase, 0), (.redact, 0),
        ]
        // Each kind of fault is there in about half of the runs, so that they meet in all
        // combinations and some runs have few.
        func maybe(_ kinds: [Act.Kind], _ weight: Int) {
            let isThere = random.chance(percent: 50)
            for kind in kinds { weights.append((kind, isThere ? 1 + random.below(weight) : 0)) }
        }
        maybe([.powerCut], 6)
        maybe([.kill], 6)
        maybe([.diskError, .diskFull], 3)
        maybe([.cutLine, .stallLine], 12)
        maybe([.partition, .heal], 4)
        maybe([.clockJump, .clockStop], 3)
        maybe([.snapshot, .restore], 3)
        maybe([.clone], 1)
        maybe([.erase, .redact], 4)
        maybe([.govern], 4)
        maybe([.bundle], 12)
        maybe([.rot], 1)
        if random.chance(percent: 40) {
            hostile = 1 + random.below(machines > 4 ? 2 : 1)
            weights.append((.hostileLog, 1 + random.below(5)))
        }
    }
}

/// One thing that happens, and all the chance in it.
package struct Act: Sendable {
    package enum Kind: String, Sendable {
        /// Somebody creates, edits, deletes or restores a record, or settles a conflict.
        case write
        case erase
        case redact
        /// A coordinator shuts somebody out, or gives them another role.
        case govern
        /// Something is written that only a later version understands.
        case foreign
        /// One machine calls another.
        case dial
        /// The housekeeping that a daemon does by itself.
        case tidy
        /// The daemon ends in order and starts again.
        case restart
        /// The process ends at some operation on its disk, or the machine with it.
        case kill
        case powerCut
        case diskError
        case diskFull
        /// A bit of a file turns around while the machine is off.
        case rot
        case cutLine
        /// A line takes no more frames in one direction, and nobody is told.
        case stallLine
        /// Two machines can't reach each other, or one of them the other.
        case partition
        case heal
        case clockJump
        case clockStop
        case snapshot
        /// The files go back to a snapshot.
        case restore
        /// The disk is copied and runs on another machine too.
        case clone
        /// Batches go from one machine to another as a file, late and more than once.
        case bundle
        /// A member signs what no honest program would.
        case hostileLog
    }

    package let number: Int
    package let kind: Kind
    /// Which machine it happens on; modulo how many there are by then.
    let machine: Int
    /// Milliseconds after the act before.
    let pause: UInt64
    /// The chance in it, so that it is the same whatever else is left out.
    let seed: UInt64

    static func drawn(by plan: Plan, _ random: inout SeededGenerator) -> [Act] {
        let total = plan.weights.reduce(0) { $0 + $1.weight }
        return (0..<plan.acts).map { number in
            var rest = random.below(total)
            let kind = plan.weights.first { entry in
                rest -= entry.weight
                return rest < 0
            }!.kind
            let days = random.chance(percent: 2) ? 1 + random.below(400) : 0
            return Act(
                number: number, kind: kind, machine: random.below(1_000),
                pause: UInt64(random.below(plan.pause) + days * 86_400_000), seed: random.next())
        }
    }
}
