import ParleyCRDT
import ParleyModel

/// Takes groups one after the other from decoded columns.
///
/// Every column is as long as the shapes say, because its length was computed from them; so no index
/// here can run over.
struct GroupCursor {
    private let names: [FieldName?]
    private let shapes: [Shape]
    private let numbers: ArraySlice<Int>
    private let records: ArraySlice<RecordReference>
    private let drops: ArraySlice<RecordReference>
    private let payloads: [[UInt8]]
    private let stubs: ArraySlice<Digest>
    private let values: [[[UInt8]]]

    private var nextGroup: Int
    private var nextRecord: Int
    private var nextDrop: Int
    private var nextPayload = 0
    private var nextStub: Int
    private var nextValues: [Int]

    init(
        names: [FieldName], shapes: [Shape], numbers: ArraySlice<Int>,
        records: ArraySlice<RecordReference>, drops: ArraySlice<RecordReference>,
        payloads: [[UInt8]], stubs: ArraySlice<Digest>, values: [[[UInt8]]]
    ) {
        self.names = [nil] + names
        self.shapes = shapes
        self.numbers = numbers
        self.records = records
        self.drops = drops
        self.payloads = payloads
        self.stubs = stubs
        self.values = values
        nextGroup = numbers.startIndex
        nextRecord = records.startIndex
        nextDrop = drops.startIndex
        nextStub = stubs.startIndex
        nextValues = Array(repeating: 0, count: values.count)
    }

    /// The next change's groups.
    mutating func next(_ count: Int) throws(WireError.Code) -> [Group] {
        var groups: [Group] = []
        groups.reserveCapacity(count)
        for number in numbers[nextGroup..<nextGroup + count] { groups.append(try group(number)) }
        nextGroup += count
        return groups
    }

    private mutating func group(_ number: Int) throws(WireError.Code) -> Group {
        let shape = shapes[number]
        let subject: Group.Subject
        switch shape.subject {
        case .casebook: subject = .casebook
        case .created: subject = .created
        case .existing:
            subject = .existing(records[nextRecord])
            nextRecord += 1
        }
        return Group(kind: shape.kind, subject: subject, content: try content(shape))
    }

    private mutating func content(_ shape: Shape) throws(WireError.Code) -> Group.Content {
        switch shape.content {
        case .operations:
            var operations: [Operation] = []
            operations.reserveCapacity(shape.steps.count)
            for step in shape.steps { operations.append(try operation(step)) }
            return .operations(type: names[shape.type], operations)
        case .payload:
            defer { nextPayload += 1 }
            return .payload(payloads[nextPayload])
        case .stub:
            defer { nextStub += 1 }
            return .stub(stubs[nextStub])
        }
    }

    private mutating func operation(_ step: Shape.Step) throws(WireError.Code) -> Operation {
        var values: [Value] = []
        values.reserveCapacity(step.tags.count)
        for tag in step.tags { values.append(try value(tag, field: step.field)) }
        let drops = drops[nextDrop..<nextDrop + step.dropCount].map(\.creation)
        nextDrop += step.dropCount
        return Operation(
            step.kind, field: names[step.field], values: values, drops: drops,
            isSensitive: step.isSensitive)
    }

    private mutating func value(_ tag: UInt8, field: Int) throws(WireError.Code) -> Value {
        switch tag {
        case ValueTag.live: return .live
        case ValueTag.deleted: return .deleted
        case ValueTag.text: return .text(payload(field: field))
        case ValueTag.erased:
            guard let commitment = Digest(bytes: payload(field: field)) else {
                throw .outOfRange(.value)
            }
            return .erased(commitment)
        default: return .absent
        }
    }

    private mutating func payload(field: Int) -> [UInt8] {
        defer { nextValues[field] += 1 }
        return values[field][nextValues[field]]
    }
}
