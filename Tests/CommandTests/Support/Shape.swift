import parley

/// What a part of a JSON answer looks like, for the keys that are promised. More keys may be there.
indirect enum Shape: Sendable, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral {
    case text
    case integer
    case flag
    case anything
    case optional(Shape)
    case list(of: Shape)
    /// Keys that aren't fixed: names of fields, of logs, of reasons.
    case map(of: Shape)
    case object([String: Shape])

    init(dictionaryLiteral members: (String, Shape)...) {
        self = .object(Dictionary(uniqueKeysWithValues: members))
    }

    /// A list of one kind of element.
    init(arrayLiteral elements: Shape...) {
        precondition(elements.count == 1, "say what every element looks like")
        self = .list(of: elements[0])
    }

    /// Where a value isn't as promised. A list or a map without elements promises nothing and is
    /// one of these places: a test has to fill it.
    func mismatches(in value: JSONValue, at path: String = "") -> [String] {
        switch (self, value) {
        case (.anything, _), (.text, .text), (.integer, .integer), (.flag, .bool),
            (.optional, .null):
            return []
        case (.optional(let shape), _):
            return shape.mismatches(in: value, at: path)
        case (.list(let shape), .list(let elements)) where !elements.isEmpty:
            return elements.enumerated().flatMap {
                shape.mismatches(in: $0.element, at: "\(path)[\($0.offset)]")
            }
        case (.map(let shape), .object(let members)) where !members.isEmpty:
            return members.flatMap { shape.mismatches(in: $0.value, at: "\(path).\($0.key)") }
        case (.object(let shapes), .object(let members)):
            return shapes.sorted { $0.key < $1.key }.flatMap { name, shape in
                let path = "\(path).\(name)"
                return members[name].map { shape.mismatches(in: $0, at: path) }
                    ?? ["\(path) is missing"]
            }
        default:
            return ["\(path.isEmpty ? "all" : path) is no \(self): \(value)"]
        }
    }
}
