import ParleyCRDT
import ParleyModel
import ParleyStore

/// Who wrote what in one cell of a record, and which choices settled its conflicts.
///
/// A reopening writes several values under one change, which is the author of none of them: it puts
/// back what settled conflicts had offered. Which those were follows from the edits alone, so that
/// every node names the same people.
struct CellHistory {
    private struct Step {
        let dot: Dot
        let time: HybridTime
        let context: Clock
        let write: CellWrite
    }

    /// In order of time.
    private let steps: [Step]
    private let byDot: [Dot: Step]
    private let covers: (Clock, Dot) throws -> Bool

    init(
        of target: CellWrite.Target, in edits: [(edit: Edit, time: HybridTime)],
        covers: @escaping (Clock, Dot) throws -> Bool
    ) {
        let steps = edits.flatMap { edit, time in
            edit.writes.filter { $0.target == target }.map {
                Step(dot: edit.dot, time: time, context: edit.context, write: $0)
            }
        }
        self.steps = steps.sorted { ($0.time, $0.dot) < ($1.time, $1.dot) }
        byDot = Dictionary(steps.map { ($0.dot, $0) }) { first, _ in first }
        self.covers = covers
    }

    /// What a reopening now would put back beside the values that stand: what was chosen and what was
    /// rejected when they were settled.
    ///
    /// - Returns: nothing where no conflict was ever settled.
    func settledValues(standing: [Dot]) throws -> [Value] {
        try settlements(standing: standing, among: steps).flatMap { settlement in
            try settlement.write.values + rejected(by: settlement).flatMap(\.write.values)
        }
    }

    /// The changes that wrote a value which stands: the one it stands by, unless that only put it
    /// back; then all that wrote it in the conflicts that were reopened. Whoever settled one of those
    /// with it is among them only where nobody had written it there.
    func authors(of value: Value, standingBy dot: Dot) throws -> [Dot] {
        var authors: Set<Dot> = []
        var (open, visited) = ([dot], Set<Dot>())
        while let dot = open.popLast() {
            guard visited.insert(dot).inserted else { continue }
            guard let step = byDot[dot], step.write.isReopening else {
                authors.insert(dot)
                continue
            }
            let sources = try sources(of: value, putBackBy: step)
            authors.formUnion(sources.choices.map(\.dot))
            open += sources.writers.map(\.dot)
            if sources.choices.isEmpty, sources.writers.isEmpty { authors.insert(dot) }
        }
        return authors.sorted()
    }

    /// Where a reopening has a value from: those who wrote it, and choices that were the first to
    /// bring it in.
    private func sources(
        of value: Value, putBackBy reopening: Step
    ) throws -> (writers: [Step], choices: [Step]) {
        let earlier = try steps.filter { try covers(reopening.context, $0.dot) }
        let dropped = try rejected(by: reopening)
        let settlements = try settlements(standing: dropped.map(\.dot), among: earlier)
        let settled = Set(settlements.map(\.dot))
        var writers = dropped.filter {
            $0.write.values.contains(value) && !settled.contains($0.dot)
        }
        var choices: [Step] = []
        for settlement in settlements {
            let offered = try rejected(by: settlement).filter { $0.write.values.contains(value) }
            writers += offered
            if offered.isEmpty, settlement.write.values.contains(value) {
                choices.append(settlement)
            }
        }
        return (writers, choices)
    }

    /// The choices by which a cell stands as it does; where something was written since, those before
    /// that no other was made in knowledge of. Clocks don't tell which these are.
    private func settlements(standing: [Dot], among earlier: [Step]) throws -> [Step] {
        let settlements = earlier.filter(\.write.isSettlement)
        let standing = settlements.filter { standing.contains($0.dot) }
        guard standing.isEmpty else { return standing }
        return try settlements.filter { one in
            try !settlements.contains { try $0.dot != one.dot && covers($0.context, one.dot) }
        }
    }

    /// The writes a resolution took the place of. Naming one it had not applied drops nothing.
    private func rejected(by resolution: Step) throws -> [Step] {
        guard case .named(let dots) = resolution.write.drops else { return [] }
        return try dots.filter { try covers(resolution.context, $0) }.compactMap { byDot[$0] }
    }
}

extension CellWrite {
    private var isResolution: Bool {
        if case .named = drops { true } else { false }
    }

    /// Whether it puts values back to be chosen among again.
    fileprivate var isReopening: Bool { isResolution && values.count > 1 }

    fileprivate var isSettlement: Bool { isResolution && values.count == 1 }
}
