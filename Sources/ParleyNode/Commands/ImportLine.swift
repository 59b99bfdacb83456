package import ParleyCRDT
package import ParleyCasework
import ParleyControl
package import ParleyModel

/// One line of an import: `{"type":TYPE,"fields":{FIELD:VALUE,...}}`, where a value is a string, a
/// number (kept as it is written) or, for sets, an array of those.
package struct ImportLine {
    package let type: FieldName
    package let operations: [Operation]

    /// - Throws: `ImportError` or `EntryError`; neither holds a value.
    package init(_ line: String, schema: Schema) throws {
        guard case .object(let members) = try JSONParser.parse(line) else {
            throw ImportError.noObject
        }
        var typed: String?
        var fields: [(String, JSONValue)]?
        for (name, value) in members {
            switch (name, value) {
            case ("type", .string(let text)) where typed == nil: typed = text
            case ("fields", .object(let members)) where fields == nil: fields = members
            default: throw ImportError.wrongMembers
            }
        }
        guard let typed, let fields else { throw ImportError.wrongMembers }
        let recordType = try schema.type(named: typed)
        var plan = EditPlan(type: recordType)
        for (name, value) in fields {
            try ImportLine.add(value, to: try recordType.field(named: name), of: &plan)
        }
        type = recordType.name
        operations = plan.operations
        guard !operations.isEmpty else { throw ImportError.noFields }
        guard byteCount <= ImportLine.maximumByteCount else { throw ImportError.tooLarge }
    }

    /// Below the 128 KiB of a change, with room for what surrounds the operations.
    private static let maximumByteCount = 127 * 1024

    /// Keeps the search for repeated elements short; a list of people is `entry` records.
    private static let maximumElementCount = 4096

    /// An upper bound of the bytes its operations take.
    private var byteCount: Int {
        operations.reduce(0) { total, operation in
            operation.values.reduce(total + 80) { $0 + $1.payload.count + 8 }
        }
    }

    private static func add(
        _ value: JSONValue, to field: FieldDefinition, of plan: inout EditPlan
    ) throws {
        let isKnown = plan.operations.contains { $0.field == field.name }
        guard !isKnown else { throw EntryError(.repeatedField(field.name)) }
        switch (field.kind, value) {
        case (.set, .array(let elements)):
            guard elements.count <= ImportLine.maximumElementCount else {
                throw ImportError.tooLarge
            }
            for element in elements { try plan.add(.add, text(of: element, in: field), to: field) }
        case (.set, _): throw ImportError.setNeedsArray(field.name)
        case (.register, _): try plan.add(.set, text(of: value, in: field), to: field)
        }
    }

    private static func text(of value: JSONValue, in field: FieldDefinition) throws -> String {
        switch value {
        case .string(let text), .number(let text): return text
        case .null, .bool, .array, .object, .raw: throw ImportError.noText(field.name)
        }
    }
}

extension ImportLine {
    /// Why a line was refused, in words and without its contents.
    static func explanation(of error: any Error) -> String {
        switch error {
        case let error as ImportError: error.explanation
        case let error as EntryError: error.explanation
        case let error as JSONParser.Failure: error.explanation
        default: "the line can't be read."
        }
    }
}

/// Why a line was refused.
enum ImportError: Error, Hashable {
    case noObject
    case wrongMembers
    case noFields
    case setNeedsArray(FieldName)
    case noText(FieldName)
    case tooLarge

    var explanation: String {
        switch self {
        case .noObject, .wrongMembers:
            "a line is one object with `type` and `fields`, for example "
                + "`{\"type\":\"note\",\"fields\":{\"title\":\"Call back\"}}`."
        case .noFields:
            "the record is empty. Give it at least one field, for example "
                + "`{\"type\":\"note\",\"fields\":{\"title\":\"Call back\"}}`."
        case .setNeedsArray(let field):
            "`\(field)` is a set. Write its elements as an array, for example "
                + "`\"\(field)\":[\"first\",\"second\"]`."
        case .noText(let field):
            "each value of `\(field)` is a string or a number."
        case .tooLarge:
            "the record is larger than one change may be: 128 KiB, and 4,096 elements in a set. "
                + "Split its longest text or make several records."
        }
    }
}

extension JSONParser.Failure {
    var explanation: String {
        "the line is no JSON: column \(column) should have \(expected)."
    }
}
