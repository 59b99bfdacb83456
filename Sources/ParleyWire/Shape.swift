import ParleyCRDT
import ParleyModel

/// Everything structural about a group: which operations on which fields with what kinds of value.
///
/// A whole import has one shape, so it is written once and then named by number.
/// Specification: Protocol/parley-1.md "Shapes"
struct Shape: Hashable {
    enum Subject: UInt8 {
        case casebook = 0
        case created = 1
        case existing = 2
    }

    enum Content: UInt8 {
        case operations = 0
        case payload = 1
        case stub = 2
    }

    /// One operation without its values' payloads and its drops' names.
    struct Step: Hashable {
        let kind: OperationKind
        let isSensitive: Bool
        /// 1 + the field's index among the names, 0 for none.
        let field: Int
        let tags: [UInt8]
        let dropCount: Int
        /// How many of the values have a payload in the field's column.
        let payloadCount: Int

        init(kind: OperationKind, isSensitive: Bool, field: Int, tags: [UInt8], dropCount: Int) {
            self.kind = kind
            self.isSensitive = isSensitive
            self.field = field
            self.tags = tags
            self.dropCount = dropCount
            payloadCount = tags.count { ValueTag.hasPayload($0) }
        }
    }

    let kind: GroupKind
    let subject: Subject
    let content: Content
    /// 1 + the type's index among the names, 0 for none.
    let type: Int
    let steps: [Step]
}

/// The numbers of values on the wire.
enum ValueTag {
    static let absent: UInt8 = 0
    static let text: UInt8 = 1
    static let live: UInt8 = 3
    static let deleted: UInt8 = 4
    static let erased: UInt8 = 5

    static func hasPayload(_ tag: UInt8) -> Bool { tag == text || tag == erased }

    /// Presence (2) exists in merged state only, never in a log.
    static func isLogged(_ tag: UInt8) -> Bool { tag <= erased && tag != 2 }

    static func isFieldValue(_ tag: UInt8) -> Bool {
        tag == absent || tag == text || tag == erased
    }

    static func isState(_ tag: UInt8) -> Bool { tag == live || tag == deleted }
}

extension ByteWriter {
    mutating func shape(_ shape: Shape) {
        u8(shape.kind.rawValue)
        u8(shape.subject.rawValue)
        u8(shape.content.rawValue)
        guard shape.content == .operations else { return }
        varint(shape.type)
        varint(shape.steps.count)
        for step in shape.steps {
            u8(step.kind.rawValue)
            u8(step.isSensitive ? 1 : 0)
            varint(step.field)
            varint(step.tags.count)
            raw(step.tags)
            varint(step.dropCount)
        }
    }
}

extension ByteReader {
    /// Reads one shape and checks its rules.
    ///
    /// - Parameter nameCount: how many names the batch lists.
    mutating func shape(nameCount: Int) throws(WireError) -> Shape {
        let start = offset
        let kind = GroupKind(rawValue: try u8())
        guard let subject = Shape.Subject(rawValue: try u8()) else {
            throw WireError(.outOfRange(.subject), offset: start + 1)
        }
        guard let content = Shape.Content(rawValue: try u8()) else {
            throw WireError(.outOfRange(.content), offset: start + 2)
        }
        var type = 0
        var steps: [Shape.Step] = []
        if content == .operations {
            type = try nameIndex(nameCount)
            let count = try count(
                elementSize: 5, limit: Limits.itemsPerBatch, .operations)
            steps.reserveCapacity(count)
            for _ in 0..<count { steps.append(try step(nameCount: nameCount)) }
        }
        let shape = Shape(
            kind: kind, subject: subject, content: content, type: type, steps: steps)
        if let rule = shape.brokenRule { throw WireError(.ruleBroken(rule), offset: start) }
        return shape
    }

    private mutating func step(nameCount: Int) throws(WireError) -> Shape.Step {
        let kind = OperationKind(rawValue: try u8())
        let flagPosition = offset
        let flags = try u8()
        guard flags & ~1 == 0 else { throw WireError(.reservedBits, offset: flagPosition) }
        let field = try nameIndex(nameCount)
        let valueCount = try count(elementSize: 1, limit: Limits.itemsPerBatch, .values)
        let tagPosition = offset
        let tags = try raw(valueCount)
        if let index = tags.firstIndex(where: { !ValueTag.isLogged($0) }) {
            throw WireError(.outOfRange(.valueTag), offset: tagPosition + index)
        }
        let dropPosition = offset
        let dropCount = try varint()
        guard dropCount <= UInt64(Limits.itemsPerBatch) else {
            throw WireError(.limitExceeded(.drops), offset: dropPosition)
        }
        return Shape.Step(
            kind: kind, isSensitive: flags & 1 != 0, field: field, tags: tags,
            dropCount: Int(dropCount))
    }

    private mutating func nameIndex(_ nameCount: Int) throws(WireError) -> Int {
        let position = offset
        let index = try varint()
        guard index <= UInt64(nameCount) else {
            throw WireError(.noSuchIndex(.name), offset: position)
        }
        return Int(index)
    }
}
