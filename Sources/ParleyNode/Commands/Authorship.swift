import ParleyCRDT
import ParleyModel
import ParleyStore

/// Who made a change, when, and why.
struct Authorship {
    let dot: Dot
    let time: HybridTime
    /// The member's name in the casebook, or the node's fingerprint where it has none.
    let name: String
    let reason: String?
    /// By which the change is found, and no other.
    let change: String

    init(of dot: Dot, in scope: ReadScope, names: MemberNames) throws {
        self.init(dot: dot, change: try scope.loggedChange(dot), names: names)
    }

    init(dot: Dot, change logged: LoggedChange?, names: MemberNames) {
        self.dot = dot
        time = logged?.time ?? HybridTime(rawValue: 0)
        name = names[dot.origin.node]
        change = names.hasForked(dot.origin) ? dot.longText : dot.text
        reason = logged?.change.reason.map { String(decoding: $0, as: UTF8.self) }
    }

    /// `by`, `node`, `at` and `change`, as every answer has them.
    var members: [(String, JSONValue)] {
        [
            ("by", .string(name)), ("node", .string(dot.origin.node.text)),
            ("at", .string(Timestamp(time).text)), ("change", .string(change)),
        ]
    }
}

/// What the members of a casebook and their changes are called, read once for an answer that names many.
struct MemberNames {
    private let names: [NodeID: String]
    private let forked: Set<Origin>

    init(in scope: ReadScope) throws {
        forked = Set(try scope.forks())
        let members = try scope.members()
        names = Dictionary(uniqueKeysWithValues: members.map { ($0.node, $0.name) })
    }

    /// Whether numbers of a log are names of several changes.
    func hasForked(_ origin: Origin) -> Bool { forked.contains(origin) }

    subscript(node: NodeID) -> String { names[node] ?? node.fingerprint }
}
