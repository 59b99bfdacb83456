import FoundationEssentials

/// Any JSON value: what a record's field holds, whatever the schema says of it.
package enum JSONValue: Decodable, Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let flag = try? container.decode(Bool.self) {
            self = .bool(flag)
        } else if let integer = try? container.decode(Int.self) {
            self = .integer(integer)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let list = try? container.decode([JSONValue].self) {
            self = .list(list)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// As a person reads it, made safe to print; line breaks stay.
    var lines: String { PrintableText.lines(raw) }

    /// The same on one line.
    var line: String { PrintableText.line(raw) }

    /// As a person reads it, as it came: sets joined by commas, nothing for what is unset.
    var raw: String {
        switch self {
        case .null: ""
        case .bool(let flag): flag ? "yes" : "no"
        case .integer(let integer): String(integer)
        case .number(let number): String(number)
        case .text(let text): text
        case .list(let list): list.map(\.raw).joined(separator: ", ")
        case .object(let object) where object["erased"] == .bool(true):
            object["record"].map { "(erased \(ShortNames.record($0.raw)))" } ?? "(erased)"
        case .object(let object):
            object.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.raw)" }
                .joined(separator: ", ")
        }
    }
}
