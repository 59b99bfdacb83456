import ParleyCRDT
import ParleyCasework
import ParleyControl
import ParleyModel
import ParleyStore
import ParleyWire

/// Forgetting a record, or what a sensitive field of it says, on every node and for good.
extension CasebookCommands {
    /// Confirms, and lets the bytes go at once as far as nobody reads them just now.
    func confirmErasures(_ typed: [String]) async throws -> Answer {
        let answer = try await store.write { try confirmErasures(typed, in: $0) }
        await letBytesGo()
        return answer
    }

    func erase(_ typed: String, basis: String) async throws -> Answer {
        try await takeBack(basis) { scope, basis in
            try scope.requireCoordinator(store.origin.node, to: "erase")
            let record = try takeableRecord(typed, in: scope)
            let referring = try references(to: record.id, in: scope)
            return (
                try scope.erase(record.id, basis: basis),
                [
                    ("record", .string(record.id.text)), ("references", .array(referring)),
                ]
            )
        }
    }

    func redact(_ typed: String, _ fieldText: String, basis: String) async throws -> Answer {
        try await takeBack(basis) { scope, basis in
            try scope.requireCoordinator(store.origin.node, to: "redact")
            let record = try takeableRecord(typed, in: scope)
            let field = try type(named: record.type).field(named: fieldText)
            guard field.isSensitive else {
                throw NodeError(
                    .refused,
                    "cannot redact `\(field.name)`: only values of sensitive fields can go one by one. `parley edit` changes it, and what it said stays in the log; `parley erase` takes back the whole record."
                )
            }
            return (
                try scope.redact(record.id, field.name, basis: basis),
                [("record", .string(record.id.text)), ("field", .string(field.name.text))]
            )
        }
    }

    /// Takes something back, and lets its bytes go at once as far as nobody reads them just now.
    private func takeBack(
        _ basis: String,
        _ body:
            @escaping @Sendable (WriteScope, String) throws -> (
                change: Appended, members: [(String, JSONValue)]
            )
    ) async throws -> Answer {
        let basis = try checked(basis: basis)
        let done = try await store.write { try body($0, basis) }
        await letBytesGo()
        let here = await progress(of: done.change.dot)
        return Answer(
            .object(
                done.members + [
                    ("change", .string(done.change.dot.text)), ("here", .optional(here?.name)),
                ]))
    }

    /// Makes the last bytes go, as far as that is possible now; else the caretaker does it later.
    ///
    /// What is to be forgotten is committed by then. An error here would be read as its refusal.
    private func letBytesGo() async {
        _ = try? await store.finishErasures()
    }

    /// How far something taken back has come here. What can't be read isn't known to be done.
    private func progress(of change: Dot) async -> TakingBack.Progress? {
        do {
            return try await store.read { scope in
                try scope.takingsBack().first { $0.source == change }?.progress
            }
        } catch {
            return .underWay
        }
    }

    /// The records that name another one, with the fields in which they do.
    private func references(to id: RecordID, in scope: ReadScope) throws -> [JSONValue] {
        try schema.types.flatMap { type in
            try type.fields.filter { $0.form == .reference }.flatMap { field in
                try scope.list(
                    type: type.name, filters: [(field.name, Array(id.text.utf8))], sort: nil,
                    limit: 0
                ).map { record in
                    JSONValue.object([
                        ("record", .string(record.id.text)), ("type", .string(type.name.text)),
                        ("field", .string(field.name.text)),
                    ])
                }
            }
        }
    }

    /// The record somebody typed, also where it is in the log only: what a revoked node wrote, say.
    func takeableRecord(
        _ typed: String, in scope: ReadScope
    ) throws -> (id: RecordID, type: FieldName?) {
        let prefix = try idPrefix(typed)
        let isKnown =
            try !scope.records(withPrefix: prefix, limit: 1).isEmpty
            || !scope.erasedRecords(withPrefix: prefix).isEmpty
        let others = isKnown ? [] : try scope.logOnlyRecords(withPrefix: prefix)
        guard let other = others.first else {
            let record = try record(typed, in: scope)
            return (record.id, record.type)
        }
        guard others.count == 1 else {
            let shown = others.prefix(NodeError.candidateLimit).map { "`\($0.id.text)`" }
            throw NodeError(
                beginning: "`\(prefix)`", ofSeveral: "records", Array(shown), of: others.count)
        }
        return (other.id, other.type)
    }

    /// Every erasure and redaction, with who has carried it out.
    func erasures(in scope: ReadScope) throws -> Answer {
        let members = try scope.members()
        return Answer(
            .array(try scope.takingsBack().map { try entry($0, members, in: scope) }))
    }

    private func entry(
        _ erasure: TakingBack, _ members: [Member], in scope: ReadScope
    ) throws -> JSONValue {
        func names(_ isMeant: (Member) -> Bool) throws -> JSONValue {
            .array(try members.filter(isMeant).map { .string(try scope.name(of: $0)) })
        }
        let author = members.first { $0.node == erasure.author }
        return .object([
            ("record", .string(erasure.record.text)),
            ("field", erasure.field.map { .string($0.text) } ?? .null),
            ("basis", .string(erasure.basis)),
            ("by", try author.map { .string(try scope.name(of: $0)) } ?? .null),
            ("at", .string(Timestamp(erasure.time).text)),
            ("change", .string(erasure.source.text)),
            ("here", .string(erasure.progress.name)),
            ("confirmed", try names { erasure.receipts[$0.node] != nil }),
            ("outstanding", try names { !$0.isRevoked && erasure.receipts[$0.node] == nil }),
        ])
    }

    /// Lets the bytes go of erasures that wait for somebody at this machine.
    ///
    /// - Parameter typed: records, by any unique beginning of their IDs; none for all.
    func confirmErasures(_ typed: [String], in scope: WriteScope) throws -> Answer {
        let waiting = Set(
            try scope.takingsBack().filter { $0.progress == .unconfirmed }.map(\.record))
        let meant = try typed.map { text in
            let fitting = waiting.filter { $0.text.hasPrefix(text.lowercased()) }
            guard let record = fitting.first, fitting.count == 1 else {
                throw NodeError(
                    .notFound,
                    "no erasure of one record `\(text)` waits here. `parley erase status` lists those that do."
                )
            }
            return record
        }
        let count = try scope.confirmErasures(of: typed.isEmpty ? nil : Set(meant))
        return Answer(.object([("confirmed", .integer(count))]))
    }

    // MARK: Refusals

    private func checked(basis: String) throws -> String {
        guard basis.contains(where: { !$0.isWhitespace }),
            let bytes = try? ValueForm.longText.accept(basis)
        else {
            throw NodeError(
                .refused,
                "cannot take that basis: it is empty, holds a control character, or is longer than 64 KiB. Say on what basis in a sentence after --basis, without naming the person: it is kept for ever."
            )
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension TakingBack.Progress {
    fileprivate var name: String {
        switch self {
        case .unconfirmed: "unconfirmed"
        case .underWay: "underway"
        case .done: "done"
        }
    }
}

extension NodeError {
    init(erased record: TakingBack) {
        self.init(
            .notFound,
            "the record was erased on \(Timestamp(record.time).text.prefix(10)), for everybody and for good. `parley erase status` says on what basis."
        )
    }
}
