import ParleyCRDT
import ParleyModel
import ParleyStore
import ParleyWire

/// How a casebook as a whole looks in an answer.
extension ReadScope {
    /// `{"casebook","name","role","members":[...]}`, as `casebook show` prints it.
    ///
    /// - Parameter node: whose role is meant: this node.
    func casebookView(of node: NodeID) throws -> JSONValue {
        let summary = try summary()
        let members = try members()
        let role = members.first { $0.node == node }?.role
        return .object([
            ("casebook", .string(Hexadecimal.text(of: summary.casebook.bytes))),
            ("name", .string(summary.name)), ("role", .optional(role?.name)),
            ("members", .array(members.map(\.json))),
            ("coordinators", .integer(members.count(where: \.isCoordinating))),
        ])
    }
}

extension Member {
    /// `{"node","name","role"}`
    var json: JSONValue {
        .object([
            ("node", .string(node.text)), ("name", .string(name)), ("role", .string(role.name)),
            ("revoked", .bool(isRevoked)),
        ])
    }
}
