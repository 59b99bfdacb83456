/// What a command line asks of a node, one case per command that touches the store.
///
/// Travels as JSON over the control socket, or is handed to the node directly when no daemon runs.
/// Names people type (records, changes, peers) stay text here; the node resolves them.
package enum Request: Codable, Hashable, Sendable {
    case createCasebook(name: String)
    case listCasebooks
    case showCasebook
    case invite(role: String, expiresSeconds: Int, address: String?)
    case withdrawInvitations
    case join(code: String)
    case new(type: String, assignments: [Assignment], because: String?)
    case edit(record: String, assignments: [Assignment], because: String?)
    case show(record: String, at: String?)
    /// What a record is called, for a question about it; nothing of it counts as looked at.
    case nameRecord(String)
    case list(
        type: String?, filters: [Assignment], sort: String?, deleted: Bool = false, limit: Int)
    case find(words: String, limit: Int)
    /// How many records a search would index first.
    case indexBacklog
    case log(record: String?, limit: Int)
    case delete(record: String, because: String?)
    case restore(record: String, because: String?)
    case erase(record: String, basis: String)
    case redact(record: String, field: String, basis: String)
    case listErasures
    /// Records by beginnings of their IDs; none for all that wait.
    case confirmErasures(records: [String])
    case listConflicts(limit: Int)
    case showConflict(record: String, field: String?)
    case resolveConflict(
        record: String, field: String, choice: Choice, seen: [String], because: String?)
    case reopenConflict(record: String, field: String, because: String?)
    case sync(peer: String?, waitSeconds: Int)
    case status
    case watch
    case listPeers
    case addPeer(node: String, address: String)
    case renamePeer(peer: String, name: String)
    /// - Parameter until: the last changes of its logs that count; of others all that is here.
    case revokePeer(peer: String, until: [String])
    case setRole(peer: String, role: String)
    /// A member of whom all addresses are to be forgotten, or one address.
    case removePeer(String)
    /// Copies of all casebooks for a backup. They are there until this connection ends, on which
    /// nothing else can be asked.
    case copyCasebooks
    /// Some consecutive lines of an import; `firstLine` counts from 1 and is used in errors.
    case importLines(firstLine: Int, lines: [String])
    /// The same, to be told what an import would do; writes nothing.
    case checkLines(firstLine: Int, lines: [String])
    case verify
    /// How far a `verify` of somebody else has come.
    case verifyProgress
    case doctor

    /// One `FIELD=VALUE`, `FIELD+=ELEMENT`, `FIELD-=ELEMENT` or `FIELD:=`.
    package struct Assignment: Codable, Hashable, Sendable {
        package enum Operator: String, Codable, Sendable {
            case set = "="
            case add = "+="
            case remove = "-="
            case unset = ":="
        }

        package let field: String
        package let `operator`: Operator
        package let value: String

        package init(field: String, operator: Operator, value: String) {
            self.field = field
            self.operator = `operator`
            self.value = value
        }
    }

    /// What a resolution chooses.
    package enum Choice: Codable, Hashable, Sendable {
        /// The value written by this change.
        case take(change: String)
        case value(String)
        /// No value: the field is unset.
        case nothing
    }
}

extension Request {
    /// Whether it is about one record and answered with one: what there is to do for it beside the
    /// store's work takes no time.
    var isBrief: Bool {
        switch self {
        case .new, .edit, .show, .nameRecord, .delete, .restore, .resolveConflict, .reopenConflict:
            true
        default: false
        }
    }
}

/// A request together with the casebook it is about, `nil` where there is only one.
package struct Envelope: Codable, Hashable, Sendable {
    package let casebook: String?
    package let request: Request
    /// Whether whoever asked is shown every value of the conflicts in the answer, and may settle them
    /// for that reason. A page that prints one value of several shows none of the others.
    package let showsAllValues: Bool

    package init(casebook: String?, request: Request, showsAllValues: Bool = false) {
        self.casebook = casebook
        self.request = request
        self.showsAllValues = showsAllValues
    }
}

/// What a node answers: the JSON of the command's contract, or an error for people.
package struct Response: Codable, Hashable, Sendable {
    /// 0 done; 1 refused; 3 not found; 4 done with open conflicts; 5 unreachable; 6 not permitted;
    /// 7 integrity.
    package let exitCode: Int32
    /// The JSON text `--json` prints; `nil` on failure.
    package let json: String?
    /// What could not be done, why, and what to type next; `nil` on success.
    package let error: String?
    /// Whether more responses to the same request follow: further answers (`watch`), or the rest
    /// of this one.
    package let continues: Bool
    /// Whether `json` is only the beginning of a text that goes on in the next response; what else
    /// there is to say stands in the last one. See `ResponsePieces`.
    package let isPiece: Bool
    /// `nil` where the answer is no list, or all of it.
    package let part: ListPart?

    package init(
        exitCode: Int32 = 0, json: String? = nil, error: String? = nil, continues: Bool = false,
        isPiece: Bool = false, part: ListPart? = nil
    ) {
        self.exitCode = exitCode
        self.json = json
        self.error = error
        self.continues = continues
        self.isPiece = isPiece
        self.part = part
    }
}
