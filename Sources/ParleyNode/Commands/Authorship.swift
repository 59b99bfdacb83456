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

    init(of dot: Dot, in scope: ReadScope, names: MemberNames) throws {
        self.init(dot: dot, change: try scope.loggedChange(dot), names: names)
    }

    init(dot: Dot, change: LoggedChange?, names: MemberNames) {
        self.dot = dot
        time = change?.time ?? HybridTime(rawValue: 0)
        name = names[dot.origin.node]
        reason = change?.change.reason.map { String(decoding: $0, as: UTF8.self) }
    }

    /// `by`, `node`, `at` and `change`, as every answer has them.
    var members: [(String, JSONValue)] {
        [
            ("by", .string(name)), ("node", .string(dot.origin.node.text)),
            ("at", .string(Timestamp(time).text)), ("change", .string(dot.text)),
        ]
    }
}

/// What the members of a casebook are called, read once for an answer that names many.
struct MemberNames {
    private let names: [NodeID: String]

    init(in scope: ReadScope) throws {
        let members = try scope.members()
        names = Dictionary(uniqueKeysWithValues: members.map { ($0.node, $0.name) })
    }

    subscript(node: NodeID) -> String { names[node] ?? node.fingerprint }
}
