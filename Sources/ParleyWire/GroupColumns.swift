import ParleyCRDT
import ParleyModel

/// What the groups of a batch say, sorted into columns.
struct GroupColumns {
    private(set) var shapes: [Shape] = []
    private(set) var shapeNumbers: [UInt64] = []
    private(set) var records = ReferenceColumns()
    private(set) var drops = ReferenceColumns()
    private(set) var payloads: [[UInt8]] = []
    private(set) var stubs: [Digest] = []
    /// By field number; 0 for operations without one.
    private(set) var values: [[[UInt8]]] = [[]]
    /// Sorted; complete after `finish`.
    private(set) var names: [FieldName] = []
    private var numbers = NameNumbers()
    private var known: [Shape: Int] = [:]
    private var counts = ItemCounts()

    mutating func append(_ group: Group, _ origins: OriginNumbers) throws(WireError) {
        let number = try shapeNumber(of: group)
        shapeNumbers.append(UInt64(number))
        counts.add(shapes[number])
        if case .existing(let record) = group.subject {
            records.append(
                record.creation, origin: origins[record.creation.origin], group: record.group)
        }
        switch group.content {
        case .operations(_, let operations):
            for (operation, step) in zip(operations, shapes[number].steps) {
                for value in operation.values where ValueTag.hasPayload(value.tag) {
                    values[step.field].append(value.payload)
                }
                for drop in operation.drops { drops.append(drop, origin: origins[drop.origin]) }
            }
        case .payload(let payload): payloads.append(payload)
        case .stub(let digest): stubs.append(digest)
        }
    }

    /// Gives names their final numbers, in sorted order, once all groups are here.
    mutating func finish() throws(WireError) {
        if let limit = counts.exceeded { throw WireError(.limitExceeded(limit), offset: 0) }
        let order = numbers.sorted
        var final = Array(repeating: 0, count: order.count)
        for (position, provisional) in order.enumerated() { final[provisional] = position }
        names = order.compactMap { numbers.names[$0] }
        shapes = shapes.map { $0.renumbered(final) }
        values = order.map { values[$0] }
    }

    private mutating func shapeNumber(of group: Group) throws(WireError) -> Int {
        // Groups come in runs of one shape; comparing is cheaper than building and hashing one.
        if let last = shapeNumbers.last, shapes[Int(last)].fits(group, numbers.names) {
            return Int(last)
        }
        let shape = Shape(of: group, &numbers)
        if let number = known[shape] { return number }
        if let rule = shape.brokenRule { throw WireError(.ruleBroken(rule), offset: 0) }
        while values.count < numbers.names.count { values.append([]) }
        known[shape] = shapes.count
        shapes.append(shape)
        return shapes.count - 1
    }
}

extension Shape {
    fileprivate init(of group: Group, _ names: inout NameNumbers) {
        var type = 0
        var steps: [Step] = []
        let content: Content
        switch group.content {
        case .operations(let name, let operations):
            content = .operations
            type = names.number(of: name)
            for operation in operations { steps.append(Step(of: operation, &names)) }
        case .payload: content = .payload
        case .stub: content = .stub
        }
        self.init(
            kind: group.kind, subject: Subject(group.subject), content: content, type: type,
            steps: steps)
    }

    /// Whether this is `group`'s shape.
    fileprivate func fits(_ group: Group, _ names: [FieldName?]) -> Bool {
        guard kind == group.kind, subject == Subject(group.subject) else { return false }
        switch group.content {
        case .operations(let name, let operations):
            guard content == .operations, names[type] == name, steps.count == operations.count
            else { return false }
            for index in steps.indices where !steps[index].fits(operations[index], names) {
                return false
            }
            return true
        case .payload: return content == .payload
        case .stub: return content == .stub
        }
    }

    fileprivate func renumbered(_ final: [Int]) -> Shape {
        Shape(
            kind: kind, subject: subject, content: content, type: final[type],
            steps: steps.map { step in
                Step(
                    kind: step.kind, isSensitive: step.isSensitive, field: final[step.field],
                    tags: step.tags, dropCount: step.dropCount)
            })
    }
}

extension Shape.Subject {
    fileprivate init(_ subject: Group.Subject) {
        switch subject {
        case .casebook: self = .casebook
        case .created: self = .created
        case .existing: self = .existing
        }
    }
}

extension Shape.Step {
    fileprivate init(of operation: Operation, _ names: inout NameNumbers) {
        self.init(
            kind: operation.kind, isSensitive: operation.isSensitive,
            field: names.number(of: operation.field), tags: operation.values.map(\.tag),
            dropCount: operation.drops.count)
    }

    fileprivate func fits(_ operation: Operation, _ names: [FieldName?]) -> Bool {
        guard kind == operation.kind, isSensitive == operation.isSensitive,
            tags.count == operation.values.count, dropCount == operation.drops.count,
            names[field] == operation.field
        else { return false }
        for index in tags.indices where tags[index] != operation.values[index].tag { return false }
        return true
    }
}
