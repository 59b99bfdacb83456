import ParleyCRDT
import ParleyCasework
import ParleyControl
import ParleyModel
import ParleyStore

/// Making, editing, deleting and restoring records.
extension CasebookCommands {
    func create(
        _ typed: String, _ assignments: [Request.Assignment], because: String?,
        in scope: WriteScope
    ) throws -> Answer {
        let type = try schema.type(named: typed)
        // There is nothing yet to unset.
        let operations = try operations(assignments, on: type, of: nil, in: scope)
            .filter { $0.values != [.absent] }
        guard !operations.isEmpty else {
            throw NodeError(
                .refused,
                "cannot make an empty record. Give at least one field, for example `parley new \(type.name) \(type.titleField)=...`."
            )
        }
        let appended = try scope.append(
            [.creation(type: type.name, operations)] + reason(because))
        guard let id = appended.recordIDs.first ?? nil else {
            preconditionFailure("a creation makes a record")
        }
        return Answer(
            .object([("record", .string(id.text)), ("change", .string(appended.dot.text))]))
    }

    func edit(
        _ typed: String, _ assignments: [Request.Assignment], because: String?,
        in scope: WriteScope
    ) throws -> Answer {
        let record = try record(typed, in: scope)
        try refuseDeleted(record, in: scope)
        guard !assignments.isEmpty else {
            throw NodeError(
                .refused, "nothing to edit. Type at least one FIELD=VALUE, for example `note=...`.")
        }
        let operations = try operations(
            assignments, on: try type(of: record), of: record.state, in: scope)
        for operation in operations { try refuse(operation, on: record, in: scope) }
        // A change that says what is there already would stand beside an edit made elsewhere
        // meanwhile: a conflict out of nothing.
        let effective = operations.compactMap { $0.changing(record.state) }
        guard !effective.isEmpty else {
            return Answer(.object([("record", .string(record.id.text)), ("change", .null)]))
        }
        return try change(record, effective, because: because, in: scope)
    }

    /// Deletes or restores.
    func setState(
        of typed: String, to state: Value, because: String?, in scope: WriteScope
    ) throws -> Answer {
        let record = try record(typed, in: scope)
        if record.state.state.isConflict { throw try openConflict(nil, of: record, in: scope) }
        guard record.state.isLive != (state == .live) else {
            throw NodeError(
                .refused,
                state == .live
                    ? "cannot restore the record: it isn't deleted. `parley show` shows it."
                    : "cannot delete the record: it is deleted already. `parley restore` brings it back."
            )
        }
        let operation = Operation(.setState, field: nil, values: [state])
        return try change(record, [operation], because: because, in: scope)
    }

    private func change(
        _ record: StoredRecord, _ operations: [Operation], because: String?, in scope: WriteScope
    ) throws -> Answer {
        let dot = try append(operations, to: record, because: because, in: scope)
        return Answer(
            .object([("record", .string(record.id.text)), ("change", .string(dot.text))]))
    }

    /// Writes one change to one record.
    func append(
        _ operations: [Operation], to record: StoredRecord, because: String?, in scope: WriteScope
    ) throws -> Dot {
        try scope.append([.edit(of: record.reference, operations)] + reason(because)).dot
    }

    /// - Parameter state: what the record holds, `nil` for a new one.
    private func operations(
        _ assignments: [Request.Assignment], on type: RecordType, of state: RecordState?,
        in scope: ReadScope
    ) throws -> [Operation] {
        var plan = EditPlan(
            type: type,
            present: { name in state?.sets.first { $0.name == name }?.content.values ?? [] },
            completeReference: { try completeReference($0, in: scope) })
        for assignment in assignments { try plan.add(assignment) }
        return plan.operations
    }

    /// The group that says why, where somebody said so.
    func reason(_ text: String?) throws -> [Group] {
        guard let text else { return [] }
        guard let bytes = try? ValueForm.longText.accept(text) else {
            throw NodeError(
                .refused,
                "cannot take that reason: it is empty, holds a control character, or is longer than 64 KiB. Give a sentence after --because."
            )
        }
        return [.reason(bytes)]
    }

    // MARK: Refusals

    /// Any write to a field says that the record is live. Beside a plain deletion that would make a
    /// conflict out of nothing.
    func refuseDeleted(_ record: StoredRecord, in scope: ReadScope) throws {
        guard !record.state.isLive else { return }
        throw NodeError(
            .refused,
            "cannot write to the record: it is deleted. Type `parley restore \(try scope.shortID(of: record.id))` first."
        )
    }

    /// Refuses a write to a field somebody has to choose for, and a removal of what isn't there.
    private func refuse(
        _ operation: Operation, on record: StoredRecord, in scope: ReadScope
    ) throws {
        guard let field = operation.field else { return }
        if record.state[.register(field)].isConflict {
            throw try openConflict(field, of: record, in: scope)
        }
        guard operation.kind == .remove else { return }
        let isThere = operation.values.allSatisfy {
            !record.state[.element(field, $0)].isEmpty
        }
        guard isThere else {
            throw NodeError(
                .refused,
                "cannot remove that from `\(field)`: it has no such element. `parley show \(try scope.shortID(of: record.id))` lists them."
            )
        }
    }

    /// Says how to settle a field that can't be written as long as it is in conflict.
    private func openConflict(
        _ field: FieldName?, of record: StoredRecord, in scope: ReadScope
    ) throws -> NodeError {
        let name = field.commandName
        let id = try scope.shortID(of: record.id)
        let conflict = try FieldConflict(
            record, field, in: scope, names: MemberNames(in: scope),
            values: RecordView(in: scope))
        let take = conflict.sides.reversed().lazy.compactMap(conflict.name(of:)).first
        let resolve = "parley conflict resolve \(id) \(name)"
        let choice = take.map { "`\(resolve) --take \($0)` or the same with `--value VALUE`" }
        return NodeError(
            .refused,
            "cannot write `\(name)`: it is in conflict, and a plain edit would hide that. Look with `parley conflict show \(id) \(name)`, then type \(choice ?? "`\(resolve) --value VALUE`")."
        )
    }
}

extension Operation {
    /// What of a plain edit makes a difference, `nil` where nothing does.
    ///
    /// - Parameter state: of the record, the field not in conflict.
    fileprivate func changing(_ state: RecordState) -> Operation? {
        guard let field else { return self }
        switch kind {
        case .write:
            let shown = state[.register(field)].distinctValues
            return (shown.isEmpty ? [.absent] : shown) == values ? nil : self
        case .add:
            let missing = values.filter { state[.element(field, $0)].isEmpty }
            return missing.isEmpty
                ? nil : Operation(kind, field: field, values: missing, isSensitive: isSensitive)
        default: return self
        }
    }
}
