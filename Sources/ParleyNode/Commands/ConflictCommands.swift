import ParleyCRDT
import ParleyCasework
import ParleyModel
import ParleyStore

/// Showing what people edited without knowing of each other.
extension CasebookCommands {
    func listConflicts(limit: Int, in scope: ReadScope) throws -> Answer {
        let (names, values) = (try MemberNames(in: scope), try RecordView(in: scope))
        let page = try Page(limit: limit) {
            try scope.conflicts(limit: $0)
        } total: {
            try scope.summary().conflicts
        }
        .compactMap { open in
            try scope.record(open.record).map { record in
                try FieldConflict(record, open.field, in: scope, names: names, values: values)
            }
        }
        note(page.items)
        return Answer(page, hasConflicts: !page.items.isEmpty, \.json)
    }

    /// Remembers what is about to be shown with all its values.
    func note(_ conflicts: [FieldConflict]) {
        guard showsAllValues else { return }
        shown.note(conflicts.map { (key(of: $0), $0.sides.map(\.standing)) })
    }

    func key(of conflict: FieldConflict) -> ShownConflicts.Key {
        ShownConflicts.Key(
            casebook: store.casebookID, record: conflict.record.id, field: conflict.field)
    }

    func showConflict(_ typed: String, _ field: String?, in scope: ReadScope) throws -> Answer {
        let record = try record(typed, in: scope)
        let target = try conflictField(field, of: record, in: scope)
        let conflict = try FieldConflict(
            record, target, in: scope, names: MemberNames(in: scope),
            values: RecordView(in: scope))
        note([conflict])
        return Answer(conflict.json, hasConflicts: true)
    }

    /// The open conflict somebody named, or the only one of the record.
    func conflictField(
        _ typed: String?, of record: StoredRecord, in scope: ReadScope
    ) throws -> FieldName? {
        let open = record.conflicts
        guard let typed else {
            guard open.count <= 1 else { throw try severalConflicts(of: record, in: scope) }
            guard let only = open.first else { throw NodeError.noConflict }
            return only
        }
        let field = try fieldName(typed, of: record)
        guard open.contains(field) else { throw NodeError.noConflict }
        return field
    }

    /// The field behind the name a conflict command was given; `state` is the record's state.
    func fieldName(_ typed: String, of record: StoredRecord) throws -> FieldName? {
        if typed == FieldName?.none.commandName { return nil }
        if let name = FieldName(typed), !record.state[.register(name)].isEmpty { return name }
        return try type(of: record).field(named: typed).name
    }

    private func severalConflicts(
        of record: StoredRecord, in scope: ReadScope
    ) throws -> NodeError {
        let id = try scope.shortID(of: record.id)
        let names = record.conflicts.map { "`\($0.commandName)`" }.joined(separator: ", ")
        return NodeError(
            .refused,
            "the record has several conflicts: \(names). Name one, for example `parley conflict show \(id) \(record.conflicts[0].commandName)`."
        )
    }
}

extension NodeError {
    static let noConflict = NodeError(
        .notFound, "no such conflict is open. `parley conflict list` shows those that are.")
}
