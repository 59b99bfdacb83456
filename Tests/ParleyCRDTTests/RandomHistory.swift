import ParleyCRDT
import ParleyHistories
import ParleyTestSupport

/// A long history drawn from a seed: five writers who edit several fields of one record and meet
/// now and then.
///
/// Some resolutions name changes their author had not applied, as a defective or hostile writer's
/// might: they must mean the same everywhere too.
struct RandomHistory {
    static let writerCount = 5

    private(set) var replicas = Array(repeating: Replica(), count: writerCount)
    /// In the order in which they were made, which is a causal one.
    private(set) var edits: [Edit] = []
    private var random: SeededGenerator

    init(seed: UInt64, changes: Int) {
        random = SeededGenerator(seed: seed)
        while edits.count < changes {
            random.chance(percent: 60) ? edit() : meet()
        }
    }

    /// Everything applied in an order that is causal but otherwise drawn anew.
    mutating func shuffledReplica() -> Replica {
        var replica = Replica()
        var waiting = edits
        while !waiting.isEmpty {
            let ready = waiting.indices.filter { replica.accepts(waiting[$0]) }
            replica.apply(waiting.remove(at: random.element(of: ready)))
        }
        return replica
    }

    private mutating func edit() {
        let writer = random.below(RandomHistory.writerCount)
        let replica = replicas[writer]
        let sequence = (replica.clock[.writer(writer)].first?.sequence ?? 0) + 1
        let edit = Edit(
            dot: .change(sequence, by: writer), context: replica.clock,
            writes: writes(seeing: replica.state))
        replicas[writer].apply(edit)
        edits.append(edit)
    }

    private mutating func meet() {
        let source = random.below(RandomHistory.writerCount)
        let target = random.below(RandomHistory.writerCount)
        replicas[target] = replicas[target].merged(with: replicas[source])
    }

    private mutating func writes(seeing state: RecordState) -> [CellWrite] {
        var writes: [CellWrite] = []
        for _ in 0...random.below(3) {
            let write = write(seeing: state)
            if !writes.contains(where: { $0.target == write.target }) { writes.append(write) }
        }
        return writes.contains { $0.target == .state } ? writes : writes + [.touch]
    }

    private mutating func write(seeing state: RecordState) -> CellWrite {
        let field = random.element(of: ["place", "held_by", "status"].map { FieldName($0)! })
        let value = random.element(of: [Value.red, .blue, .of("green"), .absent])
        switch random.below(10) {
        case 0...2: return .write(value, to: field)
        case 3: return .resolve(choice(from: state[.register(field)]), to: value, in: field)
        case 4: return .resolve(choice(from: state[.register(field)]), to: .red, .blue, in: field)
        case 5...6: return .add(value, to: field)
        case 7: return .remove(value, from: field)
        case 8: return random.chance(percent: 50) ? .delete : .restore
        default:
            let outcome = random.element(of: [Value.live, .deleted])
            return .resolveState(choice(from: state.state), to: outcome)
        }
    }

    /// Some of what stands in a cell, and now and then any change at all.
    private mutating func choice(from cell: Cell) -> [Dot] {
        var dots: [Dot] = []
        for entry in cell.entries where random.chance(percent: 70) { dots.append(entry.dot) }
        if random.chance(percent: 20), !edits.isEmpty { dots.append(random.element(of: edits).dot) }
        return dots
    }
}
