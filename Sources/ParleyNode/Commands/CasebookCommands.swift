import ParleyCRDT
package import ParleyCasework
package import ParleyControl
import ParleyModel
package import ParleyStore
import ParleyWire

/// Carries out the requests that concern the records of one open casebook.
///
/// Each is one snapshot or one transaction of the store: what is checked before a write is still
/// true when it is made. Only routing happens here; the topics are extensions.
package struct CasebookCommands: Sendable {
    let store: CasebookStore
    let schema: Schema
    /// What people were shown of conflicts.
    let shown: ShownConflicts
    /// Whether people are shown all there is in an answer about conflicts.
    let showsAllValues: Bool
    /// The record `@last` means, where there is one.
    let lastRecord: @Sendable () -> String?

    package init(
        store: CasebookStore, schema: Schema = .casework, shown: ShownConflicts = ShownConflicts(),
        showsAllValues: Bool = false,
        lastRecord: @escaping @Sendable () -> String? = { nil }
    ) {
        self.store = store
        self.schema = schema
        self.shown = shown
        self.showsAllValues = showsAllValues
        self.lastRecord = lastRecord
    }

    /// Whether `perform` knows what to do with a request.
    package static func handles(_ request: Request) -> Bool {
        switch request {
        case .showCasebook, .new, .edit, .show, .nameRecord, .list, .find, .indexBacklog, .log,
            .delete, .restore, .erase, .redact, .listErasures, .confirmErasures, .listConflicts,
            .showConflict, .resolveConflict, .reopenConflict, .importLines, .checkLines:
            true
        case .createCasebook, .listCasebooks, .invite, .withdrawInvitations, .join, .sync, .status,
            .watch, .listPeers,
            .addPeer, .renamePeer, .removePeer, .revokePeer, .setRole, .copyCasebooks, .verify,
            .verifyProgress, .doctor:
            false
        }
    }

    /// Answers a request with the JSON of its contract or with what a person must do.
    ///
    /// - Precondition: `handles(request)`.
    package func perform(_ request: Request) async -> Response {
        do {
            let answer = try await answer(request)
            return Response(
                exitCode: answer.exitCode, json: answer.json.text, part: answer.part)
        } catch {
            return Response(NodeError(error, doing: request.deed))
        }
    }

    private func answer(_ request: Request) async throws -> Answer {
        switch request {
        case .new(let type, let assignments, let because):
            try await write { try create(type, assignments, because: because, in: $0) }
        case .edit(let record, let assignments, let because):
            try await write { try edit(record, assignments, because: because, in: $0) }
        case .delete(let record, let because):
            try await write { try setState(of: record, to: .deleted, because: because, in: $0) }
        case .restore(let record, let because):
            try await write { try setState(of: record, to: .live, because: because, in: $0) }
        case .erase(let record, let basis):
            try await erase(record, basis: basis)
        case .redact(let record, let field, let basis):
            try await redact(record, field, basis: basis)
        case .confirmErasures(let records):
            try await confirmErasures(records)
        case .resolveConflict(let record, let field, let choice, let seen, let because):
            try await write {
                try resolve(record, field, choice, seen: seen, because: because, in: $0)
            }
        case .reopenConflict(let record, let field, let because):
            try await write { try reopen(record, field, because: because, in: $0) }
        case .importLines(let firstLine, let lines):
            try await importLines(lines, from: firstLine)
        case .checkLines(let firstLine, let lines):
            try await checkLines(lines, from: firstLine)
        case .find(let words, let limit):
            try await find(words, limit: limit)
        default:
            try await store.read { try look(request, in: $0) }
        }
    }

    /// The requests that change nothing.
    private func look(_ request: Request, in scope: ReadScope) throws -> Answer {
        switch request {
        case .showCasebook: Answer(try scope.casebookView(of: store.origin.node))
        case .show(let record, let at): try show(record, at: at, in: scope)
        case .nameRecord(let record): try name(record, in: scope)
        case .list(let type, let filters, let sort, let deleted, let limit):
            try list(type, filters, sort: sort, deleted: deleted, limit: limit, in: scope)
        case .indexBacklog: try indexBacklog(in: scope)
        case .log(let record, let limit): try log(record, limit: limit, in: scope)
        case .listErasures: try erasures(in: scope)
        case .listConflicts(let limit): try listConflicts(limit: limit, in: scope)
        case .showConflict(let record, let field): try showConflict(record, field, in: scope)
        default: preconditionFailure("not a request about records")
        }
    }

    /// Runs a write after checking that this node may make it.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (WriteScope) throws -> Value
    ) async throws -> Value {
        try await store.write { scope in
            try requireWriter(in: scope)
            return try body(scope)
        }
    }

    func requireWriter(in scope: ReadScope) throws {
        let own = try scope.members().first { $0.node == store.origin.node }
        guard let own else {
            throw NodeError(
                .notPermitted,
                "cannot write in this casebook: you are no member of it yet. Type `parley sync` with a coordinator in reach."
            )
        }
        guard !own.isRevoked else {
            throw NodeError(
                .notPermitted,
                "cannot write in this casebook: your node was revoked. What you write here would count nowhere; what is here can still be read. Ask a coordinator to invite a new node of yours."
            )
        }
        guard own.role != .reader else {
            throw NodeError(
                .notPermitted,
                "cannot write in this casebook: you are a reader here. Ask a coordinator for another role; `parley casebook show` lists them, and `parley peer role` is what they type."
            )
        }
    }
}

/// What a command prints, and whether that is all that had to be said.
struct Answer: Sendable {
    let json: JSONValue
    /// 0, or 4 where open conflicts remain on what was touched, or 1 where part was refused.
    let exitCode: Int32
    /// `nil` where it is no list, or all of it.
    let part: ListPart?

    init(_ json: JSONValue, exitCode: Int32 = 0) {
        self.json = json
        self.exitCode = exitCode
        part = nil
    }

    /// - Parameter hasConflicts: whether open conflicts are listed.
    init<Item>(
        _ page: Page<Item>, hasConflicts: Bool = false, _ json: (Item) throws -> JSONValue
    ) rethrows {
        // Item by item: all of them as a tree would take several times what their text does.
        var text = "["
        for (index, item) in page.items.enumerated() {
            if index > 0 { text += "," }
            text += try json(item).text
        }
        text += "]"
        self.json = .raw(text)
        exitCode = hasConflicts ? 4 : 0
        part = page.part
    }

    init(_ json: JSONValue, hasConflicts: Bool) {
        self.init(json, exitCode: hasConflicts ? 4 : 0)
    }
}

extension Request {
    /// What was to be done, as the end of a sentence that begins "cannot".
    fileprivate var deed: String {
        switch self {
        case .new: "make the record"
        case .edit: "edit the record"
        case .delete: "delete the record"
        case .restore: "restore the record"
        case .erase: "erase the record"
        case .redact: "redact the field"
        case .listErasures, .confirmErasures: "do that"
        case .show, .showCasebook, .nameRecord: "show it"
        case .list: "list records"
        case .find: "search"
        case .log: "read the log"
        case .listConflicts, .showConflict: "show the conflict"
        case .resolveConflict: "settle the conflict"
        case .reopenConflict: "reopen the conflict"
        case .importLines(let first, let lines), .checkLines(let first, let lines):
            "import lines \(first) to \(first + max(lines.count, 1) - 1)"
        default: "do it"
        }
    }
}
