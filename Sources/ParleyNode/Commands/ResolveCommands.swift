import ParleyCRDT
import ParleyCasework
import ParleyControl
import ParleyModel
import ParleyStore

/// Settling conflicts, and opening settled ones again.
extension CasebookCommands {
    /// Writes one value in place of those that were chosen among, and of no others: a value that
    /// arrived after somebody looked stays in conflict with the result.
    func resolve(
        _ typed: String, _ typedField: String, _ choice: Request.Choice, seen: [String],
        because: String?, in scope: WriteScope
    ) throws -> Answer {
        let record = try record(typed, in: scope)
        let field = try conflictField(typedField, of: record, in: scope)
        let conflict = try FieldConflict(
            record, field, in: scope, names: MemberNames(in: scope),
            values: RecordView(in: scope))
        let value = try value(choice, in: conflict)
        let drops =
            try seen.isEmpty
            ? shownDots(of: conflict, choice, in: scope) : dots(seen, in: conflict, scope)
        return try settle(
            record, field, [value], dropping: drops, because: because, in: scope)
    }

    /// What stands and was on the screen when this conflict was last shown here, with what is taken
    /// now.
    private func shownDots(
        of conflict: FieldConflict, _ choice: Request.Choice, in scope: ReadScope
    ) throws -> [Dot] {
        let key = key(of: conflict)
        var taken: [Dot] = []
        if case .take(let change) = choice, let pattern = DotPattern(change) {
            taken = conflict.sides(of: pattern).map(\.standing)
        }
        let seen = try conflict.sides.filter { side in
            guard let isShown = shown.seen(side.standing, in: key) else {
                throw NodeError(
                    .refused,
                    "cannot settle that: its values weren't all shown here lately, and nobody may drop what they haven't seen. Look with `parley conflict show \(try scope.shortID(of: conflict.record.id)) \(conflict.field.commandName)`, then choose, or name with --seen what you chose among."
                )
            }
            return isShown || taken.contains(side.standing)
        }
        guard !seen.isEmpty else {
            throw NodeError(
                .refused,
                "cannot settle that: all its values have changed since they were last shown here. Look again with `parley conflict show \(try scope.shortID(of: conflict.record.id)) \(conflict.field.commandName)`, then choose."
            )
        }
        return Set(seen.map(\.standing)).sorted()
    }

    /// Puts the values of the last resolution of a field back beside what stands there now.
    func reopen(
        _ typed: String, _ typedField: String, because: String?, in scope: WriteScope
    ) throws -> Answer {
        let record = try record(typed, in: scope)
        let field = try fieldName(typedField, of: record)
        if field != nil { try refuseDeleted(record, in: scope) }
        let target = field.map(CellWrite.Target.register) ?? .state
        let cell = record.state[target]
        guard !cell.isConflict else {
            throw NodeError(
                .refused,
                "cannot reopen the conflict: it is open. `parley conflict show \(try scope.shortID(of: record.id)) \(field.commandName)` shows it."
            )
        }
        let ancestry = try scope.ancestry()
        let history = CellHistory(of: target, in: try scope.edits(of: record.id)) {
            try $0.covers($1, in: ancestry)
        }
        let settled = try history.settledValues(standing: cell.entries.map(\.dot))
        guard !settled.isEmpty else { throw NodeError.neverSettled }
        let values = Set(settled + cell.distinctValues).sorted()
        guard values.count > 1 else { throw NodeError.neverSettled }
        return try settle(
            record, field, values, dropping: cell.entries.map(\.dot), because: because, in: scope)
    }

    // MARK: Choosing

    /// The dots a resolution names, as far as they still stand.
    private func dots(
        _ typed: [String], in conflict: FieldConflict, _ scope: ReadScope
    ) throws -> [Dot] {
        let named = try typed.flatMap { text in
            guard let pattern = DotPattern(text), try !scope.dots(matching: pattern).isEmpty
            else { throw NodeError.noChange }
            let sides = conflict.sides(of: pattern)
            let writers = Set(sides.map(\.author.dot)).filter(pattern.matches)
            guard writers.count <= 1 else { throw NodeError.severalSides(sides, of: conflict) }
            return sides.map(\.standing)
        }
        let drops = Set(named).sorted()
        guard !drops.isEmpty else {
            throw NodeError(
                .notFound,
                "nothing to settle: none of the changes named with --seen stands any more. `parley conflict list` shows what is open."
            )
        }
        return drops
    }

    private func value(_ choice: Request.Choice, in conflict: FieldConflict) throws -> Value {
        switch choice {
        case .take(let change): return try value(of: change, in: conflict)
        case .value(let text):
            guard let field = conflict.field else { return try stateValue(text) }
            let type = try type(of: conflict.record)
            return try EditPlan(type: type).value(text, of: try type.field(named: field.text))
        case .nothing:
            guard conflict.field != nil else { return try stateValue("nothing") }
            return .absent
        }
    }

    /// The value one of the changes in conflict wrote.
    private func value(of change: String, in conflict: FieldConflict) throws -> Value {
        guard let pattern = DotPattern(change) else { throw NodeError.noChange }
        let sides = conflict.sides(of: pattern)
        guard let value = sides.first?.value else {
            throw NodeError(
                .notFound,
                "that change is none of those in conflict. `parley conflict show` lists them.")
        }
        guard sides.allSatisfy({ $0.value == value }) else {
            throw NodeError.severalSides(sides, of: conflict)
        }
        return value
    }

    private func stateValue(_ text: String) throws -> Value {
        switch text {
        case "live": .live
        case "deleted": .deleted
        default:
            throw NodeError(
                .refused,
                "cannot settle `state` that way: the record is kept or goes. Type `--value live` or `--value deleted`."
            )
        }
    }

    // MARK: Writing

    /// Writes the resolution; says by which change, and whether the record has open conflicts left.
    private func settle(
        _ record: StoredRecord, _ field: FieldName?, _ values: [Value], dropping dots: [Dot],
        because: String?, in scope: WriteScope
    ) throws -> Answer {
        let isSensitive = field.flatMap { schema[record.type]?[$0]?.isSensitive } ?? false
        let operation = Operation(
            field == nil ? .resolveState : .resolve, field: field, values: values,
            drops: try dots.map { try scope.reference(to: $0) }, isSensitive: isSensitive)
        let dot = try append([operation], to: record, because: because, in: scope)
        let remaining = try scope.record(record.id)?.conflicts ?? []
        return Answer(
            .object([
                ("record", .string(record.id.text)), ("field", .string(field.commandName)),
                ("change", .string(dot.text)),
                ("conflicts", .array(remaining.map { .string($0.commandName) })),
            ]), hasConflicts: !remaining.isEmpty)
    }
}

extension NodeError {
    static let noChange = NodeError(
        .notFound,
        "no such change. Changes look like `3f9a:42`, any unique beginning of the node's digits and the number; `parley log` shows them."
    )
    /// Says which names tell apart what somebody's name of a change fits.
    fileprivate static func severalSides(
        _ sides: [FieldConflict.Side], of conflict: FieldConflict
    ) -> NodeError {
        let names = Set(sides.compactMap(conflict.name(of:))).sorted()
        let advice =
            names.count > 1
            ? "Name one of \(names.map { "`\($0)`" }.joined(separator: ", ")), or give"
            : "Give"
        return NodeError(
            .refused,
            "cannot tell which value that change means: it fits several of those in conflict. \(advice) the value with --value."
        )
    }
    fileprivate static let neverSettled = NodeError(
        .notFound,
        "no conflict of that field was ever settled, so there is none to reopen. `parley log` shows what happened to the record."
    )
}
