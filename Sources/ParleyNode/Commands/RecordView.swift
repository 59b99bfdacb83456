import ParleyCRDT
import ParleyCasework
import ParleyModel
import ParleyStore

/// How merged state looks in an answer. Where it names a record that was erased, it says so.
struct RecordView {
    /// IDs of erased records.
    private let erased: Set<String>

    init(in scope: ReadScope) throws {
        erased = Set(try scope.erasedRecords(withPrefix: "").map(\.text))
    }

    /// The fields of a record: text for registers, a sorted list for sets, in the schema's order,
    /// then those the schema doesn't know. Unset fields are left out.
    ///
    /// - Parameter time: when a change was made, to choose what a field in conflict shows: newest
    ///   hybrid time, then origin. That decides what is printed and nothing else.
    func fields(
        of state: RecordState, type: RecordType?, time: (Dot) -> HybridTime?
    ) -> JSONValue {
        var members: [(FieldName, JSONValue)] = []
        for register in state.registers {
            let entries = register.content.entries.map {
                (time($0.dot) ?? HybridTime(rawValue: 0), $0)
            }
            let value = entries.max { $0 < $1 }?.1.value ?? .absent
            guard value != .absent || register.content.isConflict else { continue }
            members.append((register.name, json(value)))
        }
        for set in state.sets where !members.contains(where: { $0.0 == set.name }) {
            members.append((set.name, .array(set.content.values.map(json))))
        }
        return .object(RecordView.inOrder(members, of: type))
    }

    /// The fields of a stored document.
    func fields(of document: Document, type: RecordType?) -> JSONValue {
        let members = document.fields.compactMap { field -> (FieldName, JSONValue)? in
            switch field.shown {
            case .absent: nil
            case .text(let bytes): (field.name, json(.text(bytes)))
            case .elements(let elements):
                (field.name, .array(elements.map { json(.text($0)) }))
            }
        }
        return .object(RecordView.inOrder(members, of: type))
    }

    func json(_ value: Value) -> JSONValue {
        switch value {
        case .text(let bytes): json(String(decoding: bytes, as: UTF8.self))
        case .live: .string("live")
        case .deleted: .string("deleted")
        case .absent, .present: .null
        case .erased: .object([("erased", .bool(true))])
        }
    }

    private func json(_ text: String) -> JSONValue {
        guard erased.contains(text) else { return .string(text) }
        return .object([("erased", .bool(true)), ("record", .string(text))])
    }

    /// `live`, `deleted`, or `conflict` where an edit and a delete didn't know of each other.
    static func stateName(of state: RecordState) -> String {
        if state.state.isConflict { return "conflict" }
        return state.isLive ? "live" : "deleted"
    }

    private static func inOrder(
        _ members: [(FieldName, JSONValue)], of type: RecordType?
    ) -> [(String, JSONValue)] {
        let known = type?.fields.map(\.name) ?? []
        let first = known.compactMap { name in members.first { $0.0 == name } }
        let rest = members.filter { !known.contains($0.0) }
        return (first + rest).map { ($0.0.text, $0.1) }
    }
}

extension FieldName? {
    /// How commands call a cell: the field's name, or `state` for edit against delete.
    var commandName: String { self?.text ?? "state" }
}
