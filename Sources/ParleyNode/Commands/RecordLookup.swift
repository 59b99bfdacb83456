import ParleyCRDT
import ParleyCasework
import ParleyModel
import ParleyStore

typealias StoredRecord = ReadScope.StoredRecord

extension CasebookCommands {
    /// Finds the record somebody typed: `@last`, an ID or a unique beginning of one.
    ///
    /// - Throws: `notFound`, or `refused` with the candidates where several fit. Titles name
    ///   people, so candidates are told apart by ID and type.
    func record(_ typed: String, in scope: ReadScope) throws -> StoredRecord {
        let prefix = try idPrefix(typed)
        // One given in full needn't be looked for among others.
        if let id = RecordID(text: prefix), let record = try scope.record(id) { return record }
        guard let record = try scope.record(try recordID(prefix, in: scope)) else {
            throw NodeError.noRecord
        }
        return record
    }

    private func recordID(_ prefix: String, in scope: ReadScope) throws -> RecordID {
        let found = try scope.records(withPrefix: prefix, limit: NodeError.candidateLimit + 1)
        guard let first = found.first else { throw try missing(prefix, in: scope) }
        guard found.count == 1 else { throw try ambiguity(of: prefix, found, in: scope) }
        return first
    }

    private func missing(_ prefix: String, in scope: ReadScope) throws -> NodeError {
        guard let erased = try scope.erasedRecords(withPrefix: prefix).first,
            let erasure = try scope.erasure(of: erased)
        else { return NodeError.noRecord }
        return NodeError(erased: erasure)
    }

    /// The hexadecimal digits of what was typed, in lower case.
    func idPrefix(_ pasted: String) throws -> String {
        let typed = pasted.withoutDirectionMarks
        if typed == "@last" {
            guard let last = lastRecord() else {
                throw NodeError(
                    .notFound,
                    "cannot tell what `@last` is: nothing was made or edited here yet. Give a record's ID; `parley list` shows them."
                )
            }
            return last
        }
        guard Hexadecimal.isDigits(typed), typed.utf8.count <= 2 * RecordID.byteCount else {
            throw NodeError(
                .notFound,
                "no such record: an ID has up to 32 digits 0-9 and a-f. `parley list` and `parley find` show them."
            )
        }
        guard typed.utf8.count >= 4 else {
            throw NodeError(
                .refused,
                "cannot find a record by fewer than 4 digits of its ID. `parley list` and `parley find` show IDs."
            )
        }
        return typed.lowercased()
    }

    private func ambiguity(
        of prefix: String, _ found: [RecordID], in scope: ReadScope
    ) throws -> NodeError {
        let shown = try found.prefix(NodeError.candidateLimit).map { id in
            "`\(try scope.shortID(of: id))` (\(try scope.record(id)?.type.text ?? "unknown"))"
        }
        return NodeError(
            beginning: "`\(prefix)`", ofSeveral: "records", shown, of: found.count)
    }

    /// Completes the ID in a field that refers to a record. One that is given in full is taken as
    /// it is: the record may not have arrived here yet.
    func completeReference(_ pasted: String, in scope: ReadScope) throws -> String {
        let typed = pasted.withoutDirectionMarks
        if typed.utf8.count == 2 * RecordID.byteCount, Hexadecimal.isDigits(typed) {
            return typed.lowercased()
        }
        return try recordID(idPrefix(typed), in: scope).text
    }

    /// The same of a record that may be erased by now.
    func completeKnownReference(_ typed: String, in scope: ReadScope) throws -> String {
        let erased = try scope.erasedRecords(withPrefix: idPrefix(typed))
        return try erased.count == 1 ? erased[0].text : completeReference(typed, in: scope)
    }

    /// The type of a record whose fields are to be written.
    func type(of record: StoredRecord) throws -> RecordType { try type(named: record.type) }

    func type(named name: FieldName?) throws -> RecordType {
        guard let type = name.flatMap({ schema[$0] }) else {
            throw NodeError(
                .refused,
                "cannot edit the record: type `\(name?.text ?? "unknown")` isn't in the schema here, \(schema.name) \(schema.version). Upgrade Parley on this machine."
            )
        }
        return type
    }
}

extension ReadScope {
    /// The first 8 digits of an ID, or as many as tell it from all others here.
    func shortID(of id: RecordID) throws -> String {
        var length = 8
        while length < id.text.utf8.count,
            try records(withPrefix: String(id.text.prefix(length)), limit: 2).count > 1
        {
            length += 4
        }
        return String(id.text.prefix(length))
    }
}

extension NodeError {
    /// How many records an error lists.
    static let candidateLimit = 8

    /// What was typed fits several things.
    ///
    /// - Parameters:
    ///   - shown: at most `candidateLimit` of them, as they are to be typed.
    ///   - count: how many there are.
    init(beginning typed: String, ofSeveral things: String, _ shown: [String], of count: Int) {
        let more = count > NodeError.candidateLimit ? " and more" : ""
        self.init(
            .refused,
            "\(typed) is the beginning of several \(things): \(shown.joined(separator: ", "))\(more). Type more digits."
        )
    }

    static let noRecord = NodeError(
        .notFound, "no such record in this casebook. `parley list` and `parley find` show IDs.")
}
