import ParleyCRDT
import ParleyCasework
package import ParleyControl

/// What records can hold, for whoever is about to write one: the same on every node, so that no home
/// is needed to look.
package enum SchemaView {
    /// - Parameter typed: one type by name, `nil` for all.
    /// - Returns: `[{"type","summary","fields":[{"field","kind","set","sensitive","example"}]}]`.
    package static func answer(_ typed: String?) -> Response {
        do {
            let schema = Schema.casework
            let types = try typed.map { [try schema.type(named: $0)] } ?? schema.types
            return Response(json: JSONValue.array(types.map(json)).text)
        } catch {
            let failure = NodeError(error, doing: "show the type")
            return Response(exitCode: failure.kind.rawValue, error: failure.message)
        }
    }

    private static func json(_ type: RecordType) -> JSONValue {
        .object([
            ("type", .string(type.name.text)), ("summary", .string(type.summary)),
            ("fields", .array(type.fields.map(json))),
        ])
    }

    private static func json(_ field: FieldDefinition) -> JSONValue {
        .object([
            ("field", .string(field.name.text)), ("kind", .string(kind(of: field.form))),
            ("set", .bool(field.kind == .set)), ("sensitive", .bool(field.isSensitive)),
            ("example", .string(example(of: field.form))),
        ])
    }

    private static func kind(of form: ValueForm) -> String {
        switch form {
        case .text: "text"
        case .longText: "long text"
        case .date: "date"
        case .count: "count"
        case .reference: "record"
        case .choice: "choice"
        }
    }

    private static func example(of form: ValueForm) -> String {
        switch form {
        case .text: "Adra Central Prison"
        case .longText: "one or more lines"
        case .date: "mid-July 2025"
        case .count: "at least 25"
        case .reference: "3f9a2c41"
        case .choice(let vocabulary): vocabulary.codes[0]
        }
    }
}
