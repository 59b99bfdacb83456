import ParleyCRDT
import ParleyModel
import ParleyStore
import ParleyWire

/// Reading what was done, by whom, and why.
extension CasebookCommands {
    /// Newest first; of one record, or of the whole casebook.
    func log(_ typed: String?, limit: Int, in scope: ReadScope) throws -> Answer {
        let id = try typed.map { try record($0, in: scope).id }
        let names = try MemberNames(in: scope)
        let page = try Page(limit: limit) {
            try scope.history(of: id, limit: $0)
        } total: {
            if let id { return try scope.history(of: id, limit: 0).count }
            return try scope.summary().applied.entries.flatMap(\.tips)
                .reduce(0) { $0 + Int($1.sequence) }
        }
        let view = LogView(values: try RecordView(in: scope), names: names)
        return try Answer(page) { change in
            let author = Authorship(dot: change.dot, change: change, names: names)
            let standing = try scope.standing(of: change)
            let operations = zip(change.change.groups, change.recordIDs)
                .filter { id == nil || $0.1 == id }
                .flatMap { view.steps(of: $0.0, on: $0.1) }
            return JSONValue.object(
                author.members + [
                    ("because", .optional(author.reason)), ("operations", .array(operations)),
                    ("void", .bool(standing == .void)),
                    ("unauthorised", .bool(standing == .unauthorised)),
                ])
        }
    }
}

/// How the parts of a change look in an answer.
struct LogView {
    let values: RecordView
    let names: MemberNames

    /// One object per step: `{"record","field","op","value"}`.
    func steps(of group: Group, on record: RecordID?) -> [JSONValue] {
        switch group.content {
        case .operations(let type, let operations):
            let creation = type.map { step("create", on: record, value: .string($0.text)) }
            return (creation.map { [$0] } ?? [])
                + operations.flatMap { steps(of: $0, on: record) }
        case .stub: return [step("erased", on: record)]
        case .payload(let bytes):
            return systemStep(group.kind, bytes, on: record).map { [$0] } ?? []
        }
    }

    private func steps(of operation: Operation, on record: RecordID?) -> [JSONValue] {
        let values = operation.values.map(self.values.json)
        let value = values.count == 1 ? values[0] : .array(values)
        let field = operation.field?.text
        switch operation.kind {
        case .add: return values.map { step("add", on: record, field, value: $0) }
        case .remove: return values.map { step("remove", on: record, field, value: $0) }
        case .write:
            let isUnset = operation.values == [.absent]
            return [step(isUnset ? "unset" : "set", on: record, field, value: value)]
        case .setState:
            let isDeletion = operation.values == [.deleted]
            return [step(isDeletion ? "delete" : "restore", on: record)]
        case .resolve, .resolveState:
            let name = values.count == 1 ? "resolve" : "reopen"
            return [step(name, on: record, operation.field.commandName, value: value)]
        default: return [step("unknown", on: record, field)]
        }
    }

    private func systemStep(
        _ kind: GroupKind, _ payload: [UInt8], on record: RecordID?
    ) -> JSONValue? {
        switch kind {
        case .founding:
            (try? Founding(bytes: payload)).map { step("found", value: .string($0.casebookName)) }
        case .admission:
            (try? Admission(bytes: payload)).map { admission in
                let who: [(String, JSONValue)] = [
                    ("node", .string(admission.node.text)), ("name", .string(admission.name)),
                    ("role", .string(admission.role.name)),
                ]
                return step("admit", value: .object(who))
            }
        case .cut:
            (try? Cut(bytes: payload)).map { cut in
                let whom: [(String, JSONValue)] = [
                    ("node", .string(cut.node.text)), ("name", .string(names[cut.node])),
                ]
                return step("cut", value: .object(whom))
            }
        case .erasure:
            (try? Erasure(bytes: payload)).map {
                step("erase", on: record, value: .string($0.basis))
            }
        case .redaction:
            (try? Redaction(bytes: payload)).map {
                step("redact", on: record, $0.field.text, value: .string($0.basis))
            }
        case .receipt:
            (try? Receipt(bytes: payload)).map {
                let name = "\($0.erasure.origin.text):\($0.erasure.sequence)"
                return step("receipt", value: .string(name))
            }
        default: nil
        }
    }

    private func step(
        _ name: String, on record: RecordID? = nil, _ field: String? = nil,
        value: JSONValue = .null
    ) -> JSONValue {
        .object([
            ("record", .optional(record?.text)), ("field", .optional(field)),
            ("op", .string(name)), ("value", value),
        ])
    }
}
