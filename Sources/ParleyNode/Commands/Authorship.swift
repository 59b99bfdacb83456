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

    init(of dot: Dot, in scope: ReadScope) throws {
        try self.init(dot: dot, change: scope.loggedChange(dot), in: scope)
    }

    init(dot: Dot, change: LoggedChange?, in scope: ReadScope) throws {
        self.dot = dot
        time = change?.time ?? HybridTime(rawValue: 0)
        name = try scope.memberName(dot.origin.node) ?? dot.origin.node.fingerprint
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
