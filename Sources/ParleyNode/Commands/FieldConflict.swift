import ParleyCRDT
import ParleyModel
import ParleyStore

/// A cell whose values' authors had not seen each other's: the sides, and what they started from.
struct FieldConflict {
    /// One value that stands, and what its author knew. A value that several people wrote is a side
    /// for each of them.
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
    private let view: RecordView

    /// - Parameter state: the record's at some point in the past, `nil` for today's. Nobody had seen
    ///   what came later, so the base is the same whether or not that is known by now.
    init(
        _ record: StoredRecord, _ field: FieldName?, at state: RecordState? = nil,
        in scope: ReadScope, names: MemberNames, values: RecordView
    ) throws {
        let target = field.map(CellWrite.Target.register) ?? .state
        let (edits, ancestry) = (try scope.edits(of: record.id), try scope.ancestry())
        func seen(in context: Clock) throws -> Set<Dot> {
            Set(try edits.map(\.edit.dot).filter { try context.covers($0, in: ancestry) })
        }
        let history = CellHistory(of: target, in: edits) { try $0.covers($1, in: ancestry) }
        let sides = try (state ?? record.state)[target].entries.flatMap { entry in
            try history.authors(of: entry.value, standingBy: entry.dot).map { author in
                let context = try scope.context(of: author)
                return Side(
                    value: entry.value, standing: entry.dot,
                    author: try Authorship(of: author, in: scope, names: names),
                    context: context, seen: try seen(in: context),
                    reopening: author == entry.dot
                        ? nil : try Authorship(of: entry.dot, in: scope, names: names))
            }
        }
        self.record = record
        self.field = field
        view = values
        self.sides = sides.sorted {
            ($0.author.time, $0.author.dot) < ($1.author.time, $1.author.dot)
        }
        // What stands in a cell follows from the writes to it alone.
        let known = edits.map(\.edit).filter { edit in
            sides.allSatisfy { $0.hasSeen(edit.dot) && $0.author.dot != edit.dot }
        }.map { edit in
            Edit(
                dot: edit.dot, context: edit.context,
                writes: edit.writes.filter { $0.target == target })
        }.filter { !$0.writes.isEmpty }
        base = try RecordState.meaning(of: known, in: ancestry)[target].distinctValues
    }

    /// The side that is shown where one value must be: the newest.
    var shown: Side? { sides.last }

    /// An entry of `conflict list`.
    var json: JSONValue {
        .object([
            ("record", .string(record.id.text)), ("type", .string(record.type.text)),
            ("title", .string(record.document.title)), ("field", .string(field.commandName)),
            ("values", .array(sides.map(json))), ("base", .array(base.map(view.json))),
        ])
    }

    /// The sides somebody means by a change: those it wrote, or where it wrote none of them those it
    /// put back.
    func sides(of change: DotPattern) -> [Side] {
        let written = sides.filter { change.matches($0.author.dot) }
        return written.isEmpty ? sides.filter { change.matches($0.standing) } : written
    }

    /// The name of a side's change by which it is taken and no other; `nil` where the change wrote
    /// several of the values.
    func name(of side: Side) -> String? {
        [side.author.dot.text, side.author.dot.longText].first { name in
            DotPattern(name).map { Set(sides(of: $0).map(\.value)) == [side.value] } ?? false
        }
    }

    private func json(of side: Side) -> JSONValue {
        let value: [(String, JSONValue)] = [("value", view.json(side.value))]
        let author = side.author.members.map { member in
            member.0 == "change"
                ? ("change", .string(name(of: side) ?? side.author.dot.text)) : member
        }
        return .object(
            value + author + [
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

extension FieldConflict.Side {
    /// Whether the author had applied a change, or made it.
    func hasSeen(_ dot: Dot) -> Bool {
        seen.contains(dot) || author.dot == dot
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
