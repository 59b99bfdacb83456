import ParleyCRDT
import ParleyModel

/// A value as JSON without blanks: byte strings in hexadecimal digits, structures as lists of their
/// fields in the order of the specification.
enum Tree: CustomStringConvertible {
    case none
    case integer(UInt64)
    case word(String)
    case list([Tree])

    static func number(_ value: some BinaryInteger) -> Tree { .integer(UInt64(value)) }
    static func flag(_ value: Bool) -> Tree { .integer(value ? 1 : 0) }
    static func bytes(_ bytes: [UInt8]) -> Tree { .word(Hexadecimal.text(of: bytes)) }
    static func text(_ text: String) -> Tree { .bytes(Array(text.utf8)) }

    static func list<Element>(of elements: [Element], _ tree: (Element) -> Tree) -> Tree {
        .list(elements.map(tree))
    }

    var description: String {
        switch self {
        case .none: "null"
        case .integer(let value): "\(value)"
        case .word(let text): "\"\(text)\""
        case .list(let trees): "[\(trees.map(\.description).joined(separator: ","))]"
        }
    }

    init(_ origin: Origin) {
        let epoch = (0..<8).map { UInt8(truncatingIfNeeded: origin.epoch >> (56 - 8 * $0)) }
        self = .bytes(origin.node.bytes + epoch)
    }

    init(_ tip: Tip) {
        self = .list([.number(tip.sequence), .bytes(tip.hash.bytes)])
    }

    init(_ entry: Clock.Entry) {
        self = .list([Tree(entry.origin), .list(of: entry.tips) { Tree($0) }])
    }

    init(_ reference: DotReference) {
        self = .list([
            Tree(reference.origin), .number(reference.sequence),
            reference.hash.map { .bytes($0.bytes) } ?? .none,
        ])
    }

    init(_ record: RecordReference) {
        self = .list([Tree(record.creation), .number(record.group)])
    }
}
