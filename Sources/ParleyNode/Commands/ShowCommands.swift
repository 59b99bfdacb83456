import ParleyCRDT
import ParleyCasework
import ParleyControl
import ParleyModel
import ParleyStore

/// Looking at records: one, now or as it was; those of a kind; those that hold some words.
extension CasebookCommands {
    func show(_ typed: String, at moment: String?, in scope: ReadScope) throws -> Answer {
        if let erasure = try erasure(typed, in: scope) { return try show(erasure, in: scope) }
        let record = try record(typed, in: scope)
        guard let moment else { return try showNow(record, in: scope) }
        let edits = try edits(of: record, until: moment, in: scope)
        guard let past = try PastRecord(record, edits: edits, in: scope) else {
            throw NodeError(
                .notFound,
                "no such record at that point: it was made later. `parley log` shows its changes.")
        }
        return try show(past, in: scope)
    }

    /// The erasure of what was typed, `nil` where that is or may be a record that is here.
    private func erasure(_ typed: String, in scope: ReadScope) throws -> TakingBack? {
        let prefix = try idPrefix(typed)
        guard try scope.records(withPrefix: prefix, limit: 1).isEmpty else { return nil }
        let erased = try scope.erasedRecords(withPrefix: prefix)
        return erased.count == 1 ? try scope.erasure(of: erased[0]) : nil
    }

    private func show(_ erasure: TakingBack, in scope: ReadScope) throws -> Answer {
        let author = try Authorship(
            of: erasure.source, in: scope, names: MemberNames(in: scope))
        return Answer(
            .object([
                ("record", .string(erasure.record.text)), ("type", .string("record")),
                ("state", .string("erased")), ("fields", .object([])), ("conflicts", .array([])),
                ("changed", .object(author.members)), ("basis", .string(erasure.basis)),
            ]))
    }

    /// What is shown of the past is marked as that of today is: a value in conflict then wasn't
    /// anybody's choice.
    private func show(_ past: PastRecord, in scope: ReadScope) throws -> Answer {
        let (names, values) = (try MemberNames(in: scope), try RecordView(in: scope))
        let conflicts = try past.conflicts.map {
            try FieldConflict(
                past.record, $0, at: past.state, in: scope, names: names, values: values
            ).json
        }
        let fields = values.fields(
            of: past.state, type: schema[past.record.type], time: past.time)
        let view = try view(
            of: past.record, past.state, fields: fields, conflicts: conflicts,
            changed: past.changed, in: scope)
        return Answer(view, hasConflicts: !conflicts.isEmpty)
    }

    func name(_ typed: String, in scope: ReadScope) throws -> Answer {
        let record = try takeableRecord(typed, in: scope)
        let title = try scope.record(record.id)?.document.title
        return Answer(
            .object([
                ("record", .string(record.id.text)),
                ("type", .string(record.type?.text ?? "record")), ("title", .optional(title)),
            ]))
    }

    private func showNow(_ record: StoredRecord, in scope: ReadScope) throws -> Answer {
        let (names, values) = (try MemberNames(in: scope), try RecordView(in: scope))
        let open = try record.conflicts.map {
            try FieldConflict(record, $0, in: scope, names: names, values: values)
        }
        note(open)
        let conflicts = open.map(\.json)
        let fields = values.fields(
            of: record.state, type: schema[record.type], time: record.time)
        let view = try view(
            of: record, record.state, fields: fields, conflicts: conflicts,
            changed: record.changed, in: scope)
        return Answer(view, hasConflicts: !conflicts.isEmpty)
    }

    private func view(
        of record: StoredRecord, _ state: RecordState, fields: JSONValue, conflicts: [JSONValue],
        changed: Dot, in scope: ReadScope
    ) throws -> JSONValue {
        let author = try Authorship(of: changed, in: scope, names: MemberNames(in: scope))
        return .object([
            ("record", .string(record.id.text)), ("type", .string(record.type.text)),
            ("state", .string(RecordView.stateName(of: state))), ("fields", fields),
            ("conflicts", .array(conflicts)),
            ("changed", .object(author.members)),
        ])
    }

    /// The edits of a record up to a change, as its author knew them, or up to a time.
    private func edits(
        of record: StoredRecord, until moment: String, in scope: ReadScope
    ) throws -> [(edit: Edit, time: HybridTime)] {
        let edits = try scope.edits(of: record.id)
        if let pattern = DotPattern(moment) {
            let dot = try scope.change(pattern)
            let (context, ancestry) = (try scope.context(of: dot), try scope.ancestry())
            return try edits.filter {
                try $0.edit.dot == dot || context.covers($0.edit.dot, in: ancestry)
            }
        }
        guard let time = Timestamp(text: moment.withWesternDigits) else {
            throw NodeError(
                .refused,
                "cannot tell what point that is. Give a change as `parley log` shows it, for example `3f9a:42`; a day on the calendar, `2026-02-26`; a time as `parley log` prints it, `2026-02-26 10:42`; or one with its zone, `2026-02-26T10:42Z` or `2026-02-26T10:42+03:00`."
            )
        }
        return edits.filter { $0.time.milliseconds <= time.milliseconds }
    }

    // MARK: Several

    func list(
        _ typed: String?, _ assignments: [Request.Assignment], sort: String?, deleted: Bool,
        limit: Int, in scope: ReadScope
    ) throws -> Answer {
        let type = try typed.map { text throws in try schema.type(named: text) }
        let filters = try assignments.map { assignment in
            guard assignment.operator == .set else {
                throw NodeError(
                    .refused,
                    "cannot filter that way. Write a filter as FIELD=VALUE, for example `stage=completed`."
                )
            }
            let field = try field(named: assignment.field, of: type)
            let isReference = field.form == .reference
            let value =
                isReference
                ? try completeKnownReference(assignment.value, in: scope) : assignment.value
            return (field.name, value.composedBytes)
        }
        let order = try sort.map { try field(named: $0, of: type).name }
        let page = try Page(limit: limit) { limit in
            try scope.list(
                type: type?.name, filters: filters, deleted: deleted, sort: order, limit: limit)
        } total: {
            guard filters.isEmpty, !deleted else { return nil }
            return try scope.summary().records.filter { type == nil || $0.type == type?.name }
                .reduce(0) { $0 + $1.count }
        }
        let view = try RecordView(in: scope)
        return try Answer(page) { try entry($0, view, in: scope) }
    }

    private func entry(
        _ record: ReadScope.ListedRecord, _ view: RecordView, in scope: ReadScope
    ) throws -> JSONValue {
        let conflicts = record.hasConflict ? try scope.record(record.id)?.conflicts ?? [] : []
        let fields = view.fields(of: record.document, type: schema[record.type])
        return .object([
            ("record", .string(record.id.text)), ("type", .string(record.type.text)),
            ("title", .string(record.document.title)),
            (
                "state",
                .string(
                    record.isDeleted ? "deleted" : conflicts.contains(nil) ? "conflict" : "live")
            ),
            ("fields", fields),
            ("conflicts", .array(conflicts.map { .string($0.commandName) })),
            ("match", record.otherSides.isEmpty ? .null : .string(match(of: record))),
            ("otherSides", .array(record.otherSides.map { .string($0.text) })),
        ])
    }

    /// What a match in a value that isn't shown is marked with.
    private static let otherSide = " (other side of an open conflict)"

    private func match(of record: ReadScope.ListedRecord) -> String {
        record.otherSides.map(\.text).joined(separator: ", ") + Self.otherSide
    }

    /// A field by name, of one type or of any.
    private func field(named text: String, of type: RecordType?) throws -> FieldDefinition {
        if let type { return try type.field(named: text) }
        let fields = schema.types.flatMap(\.fields)
        guard let field = fields.first(where: { $0.name.text == text }) else {
            let names = Set(fields.map(\.name)).sorted()
            throw EntryError(
                .unknownField(text, type: nil, near: NearMiss.names(to: text, in: names)))
        }
        return field
    }

    /// Records that wait to be indexed, beyond which a search finishes the index first: below that,
    /// reading them takes less time.
    private static let readableBacklog = 500

    /// How many records the next search will index before it looks.
    func indexBacklog(in scope: ReadScope) throws -> Answer {
        let backlog = try scope.indexBacklog()
        let isReadable = backlog <= CasebookCommands.readableBacklog
        return Answer(.object([("records", .integer(isReadable ? 0 : backlog))]))
    }

    func find(_ words: String, limit: Int) async throws -> Answer {
        let backlog = try await store.read { try $0.indexBacklog() }
        if backlog > CasebookCommands.readableBacklog { try await store.index() }
        let page = try await store.read { scope in
            try Page(limit: limit) { try scope.find(words: words, limit: $0) }
        }
        return Answer(page) { hit in
            .object([
                ("record", .string(hit.id.text)), ("type", .string(hit.type.text)),
                ("title", .string(hit.title)),
                (
                    "match", .string(hit.match + (hit.otherSide == nil ? "" : Self.otherSide))
                ),
                ("otherSides", .array(hit.otherSide.map { [.string($0.text)] } ?? [])),
            ])
        }
    }
}
