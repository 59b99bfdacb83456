import ParleyCRDT
import ParleyModel
import ParleyStore

/// A cell whose values' authors had not seen each other's: the sides, and what they started from.
struct FieldConflict {
    /// One value that stands, and what its author knew.
    struct Side {
        let value: Value
        /// The change by which it stands.
        let standing: Dot
        /// The change that wrote it. Another one where somebody put the value back to be chosen
        /// among again: that doesn't make it theirs.
        let author: Authorship
        /// What its author had applied before.
        let context: Clock
        /// Of the record's edits, those its author had applied.
        let seen: Set<Dot>
        /// Who put it back.
        let reopening: Authorship?
    }

    let record: StoredRecord
    /// `nil` for the record's state.
    let field: FieldName?
    /// Oldest first.
    let sides: [Side]
    /// What stood in the cell as far as all sides knew. Usually one value; none where the field was
    /// still empty.
    let base: [Value]

    /// - Parameter state: the record's at some point in the past, `nil` for today's. Nobody had seen
    ///   what came later, so the base is the same whether or not that is known by now.
    init(
        _ record: StoredRecord, _ field: FieldName?, at state: RecordState? = nil,
        in scope: ReadScope, names: MemberNames
    ) throws {
        let target = field.map(CellWrite.Target.register) ?? .state
        let (edits, ancestry) = (try scope.edits(of: record.id), try scope.ancestry())
        func seen(in context: Clock) throws -> Set<Dot> {
            Set(try edits.map(\.edit.dot).filter { try context.covers($0, in: ancestry) })
        }
        let sides = try (state ?? record.state)[target].entries.map { entry in
            let origin = try FieldConflict.origin(of: entry, in: target, edits, seen)
            let context = try scope.context(of: origin)
            return Side(
                value: entry.value, standing: entry.dot,
                author: try Authorship(of: origin, in: scope, names: names),
                context: context, seen: try seen(in: context),
                reopening: origin == entry.dot
                    ? nil : try Authorship(of: entry.dot, in: scope, names: names))
        }
        self.record = record
        self.field = field
        self.sides = sides.sorted {
            ($0.author.time, $0.author.dot) < ($1.author.time, $1.author.dot)
        }
        let known = edits.map(\.edit).filter { edit in
            sides.allSatisfy { $0.hasSeen(edit.dot) && $0.author.dot != edit.dot }
        }
        base = try RecordState.meaning(of: known, in: ancestry)[target].distinctValues
    }

    /// The change that wrote an entry's value: the entry's own, unless that one only put values
    /// back; then the newest before it that wrote this value and no other, one that settled a
    /// conflict only where nobody else did.
    private static func origin(
        of entry: Cell.Entry, in target: CellWrite.Target,
        _ edits: [(edit: Edit, time: HybridTime)], _ seen: (Clock) throws -> Set<Dot>
    ) throws -> Dot {
        guard let standing = edits.first(where: { $0.edit.dot == entry.dot })?.edit,
            standing.writes.contains(where: { $0.target == target && $0.isReopening })
        else { return entry.dot }
        let earlier = try seen(standing.context)
        func newest(where isWanted: (CellWrite) -> Bool) -> Dot? {
            edits.filter { edit, _ in
                earlier.contains(edit.dot)
                    && edit.writes.contains {
                        $0.target == target && $0.values == [entry.value] && isWanted($0)
                    }
            }.max { ($0.time, $0.edit.dot) < ($1.time, $1.edit.dot) }?.edit.dot
        }
        return newest { !$0.isResolution } ?? newest { $0.isResolution } ?? entry.dot
    }

    /// The side that is shown where one value must be: the newest.
    var shown: Side? { sides.last }

    /// An entry of `conflict list`.
    var json: JSONValue {
        .object([
            ("record", .string(record.id.text)), ("type", .string(record.type.text)),
            ("title", .string(record.document.title)), ("field", .string(field.commandName)),
            ("values", .array(sides.map(json))), ("base", .array(base.map(RecordView.json))),
        ])
    }

    private func json(of side: Side) -> JSONValue {
        let value: [(String, JSONValue)] = [("value", RecordView.json(side.value))]
        return .object(
            value + side.author.members + [
                ("seen", seen(by: side)), ("reason", .optional(side.author.reason)),
                ("reopened", side.reopening.map { .object($0.members) } ?? .null),
                ("why", .string(ConcurrencyWording(side, in: self).text)),
            ])
    }

    /// How far the side's author knew the logs of the others: the proof that they are concurrent.
    private func seen(by side: Side) -> JSONValue {
        let others = Set(sides.map(\.author.dot.origin)).subtracting([side.author.dot.origin])
        return .object(
            others.sorted().map { origin in
                (origin.text, .integer(side.context[origin].map(\.sequence).max() ?? 0))
            })
    }
}

extension CellWrite {
    fileprivate var isResolution: Bool {
        if case .named = drops { true } else { false }
    }

    /// Whether it puts values back to be chosen among again.
    fileprivate var isReopening: Bool { isResolution && values.count > 1 }
}

extension FieldConflict.Side {
    /// Whether this is the value that somebody means by a change: the one that wrote it, or the one
    /// that put it back.
    func matches(_ pattern: DotPattern) -> Bool {
        pattern.matches(author.dot) || pattern.matches(standing)
    }

    /// Whether the author had applied a change, or made it.
    func hasSeen(_ dot: Dot) -> Bool {
        seen.contains(dot) || author.dot == dot
    }
}

extension ReadScope {
    /// What stands in a cell, oldest first.
    func entries(of record: StoredRecord, _ field: FieldName?) throws -> [Cell.Entry] {
        let target = field.map(CellWrite.Target.register) ?? .state
        return try record.state[target].entries
            .map { (try loggedChange($0.dot)?.time ?? HybridTime(rawValue: 0), $0) }
            .sorted { $0 < $1 }.map(\.1)
    }
}

extension StoredRecord {
    /// The cells somebody has to choose for; `nil` is the record's state. A deleted record has
    /// none until it is restored.
    var conflicts: [FieldName?] {
        guard state.isLive else { return [] }
        return (state.state.isConflict ? [nil] : []) + state.conflictingFields
    }
}
