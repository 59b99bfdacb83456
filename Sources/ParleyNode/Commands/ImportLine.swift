import ParleyCRDT
import ParleyCasework
import ParleyControl
import ParleyModel

/// One line of an import: `{"type":TYPE,"fields":{FIELD:VALUE,...}}`, where a value is a string, a
/// number (kept as it is written) or, for sets, an array of those.
struct ImportLine {
    let type: FieldName
    let operations: [Operation]

    /// - Throws: `ImportError` or `EntryError`; neither holds a value.
    init(_ line: String, schema: Schema) throws {
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
        guard byteCount <= ImportLine.maximumByteCount else { throw ImportError.tooLarge }
    }

    /// Below the 128 KiB of a change, with room for what surrounds the operations.
    private static let maximumByteCount = 127 * 1024

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
            for element in elements { try plan.add(assignment(.add, element, to: field)) }
        case (.set, _): throw ImportError.setNeedsArray(field.name)
        case (.register, .array): throw ImportError.registerNeedsValue(field.name)
        case (.register, _): try plan.add(assignment(.set, value, to: field))
        }
    }

    private static func assignment(
        _ operator: Request.Assignment.Operator, _ value: JSONValue, to field: FieldDefinition
    ) throws -> Request.Assignment {
        switch value {
        case .string(let text), .number(let text):
            return Request.Assignment(field: field.name.text, operator: `operator`, value: text)
        case .null, .bool, .array, .object, .raw:
            throw ImportError.registerNeedsValue(field.name)
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
    case setNeedsArray(FieldName)
    case registerNeedsValue(FieldName)
    case tooLarge

    var explanation: String {
        switch self {
        case .noObject, .wrongMembers:
            "a line is one object with `type` and `fields`, for example "
                + "`{\"type\":\"note\",\"fields\":{\"title\":\"Call back\"}}`."
        case .setNeedsArray(let field):
            "`\(field)` is a set. Write its elements as an array, for example "
                + "`\"\(field)\":[\"first\",\"second\"]`."
        case .registerNeedsValue(let field):
            "`\(field)` holds one value. Write a string or a number."
        case .tooLarge:
            "the record is larger than one change may be, 128 KiB. Split its longest text."
        }
    }
}

extension JSONParser.Failure {
    var explanation: String {
        "the line is no JSON: column \(column) should have \(expected)."
    }
}
