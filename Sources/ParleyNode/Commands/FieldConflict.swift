import ParleyCRDT
import ParleyModel
import ParleyStore

/// A cell whose values' authors had not seen each other's: the sides, and what they started from.
struct FieldConflict {
    /// One value that stands, and what its author knew.
    struct Side {
        let value: Value
        let author: Authorship
        /// What the author had applied before.
        let context: Clock
    }

    let record: StoredRecord
    /// `nil` for the record's state.
    let field: FieldName?
    /// Oldest first.
    let sides: [Side]
    /// What stood in the cell as far as all sides knew. Usually one value; none where the field was
    /// still empty.
    let base: [Value]

    init(
        _ record: StoredRecord, _ field: FieldName?, in scope: ReadScope, names: MemberNames
    ) throws {
        let target = field.map(CellWrite.Target.register) ?? .state
        let sides = try record.state[target].entries.map { entry in
            Side(
                value: entry.value, author: try Authorship(of: entry.dot, in: scope, names: names),
                context: try scope.context(of: entry.dot))
        }
        self.record = record
        self.field = field
        self.sides = sides.sorted {
            ($0.author.time, $0.author.dot) < ($1.author.time, $1.author.dot)
        }
        let known = try scope.edits(of: record.id).map(\.edit).filter { edit in
            sides.allSatisfy { $0.hasSeen(edit.dot) && $0.author.dot != edit.dot }
        }
        base = RecordState.meaning(of: known, in: LinearAncestry())[target].distinctValues
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
        context.covers(dot, in: LinearAncestry()) || author.dot == dot
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
