import ParleyCRDT
import ParleyModel

/// Lays a batch's changes out in columns.
///
/// The same changes always give the same columns. One pass collects what each column holds, a
/// second writes them, because each column chooses its encoding knowing all of its values.
struct BatchEncoder {
    /// The columns, one after the other.
    private(set) var writer = ByteWriter(capacity: 32 * 1024)
    /// Where a new deflate block should begin.
    private(set) var marks: [Int] = []
    /// How many bytes of the columns are salts, which have a bound of their own.
    private(set) var saltByteCount = 0

    private let batch: Batch
    private let names: NameNumbers
    private let origins: OriginNumbers

    init(_ batch: Batch) throws(WireError) {
        self.batch = batch
        names = NameNumbers(of: batch.changes)
        origins = OriginNumbers(of: batch.changes, own: batch.origin)
        try write()
    }

    private mutating func write() throws(WireError) {
        writer.varint(names.sorted.count)
        for name in names.sorted { writer.bytes(Array(name.text.utf8)) }
        writer.varint(origins.sorted.count)
        for origin in origins.sorted { writer.origin(origin) }
        let start = writer.count
        writer.saltRuns(batch.salts)
        saltByteCount = writer.count - start

        var groups = GroupColumns(valueColumnCount: names.sorted.count + 1)
        for change in batch.changes {
            for group in change.groups { try groups.append(group, names, origins) }
        }
        try groups.checkLimits()
        writer.varint(groups.shapes.count)
        for shape in groups.shapes { writer.shape(shape) }
        endColumn()
        writeChanges()
        writeContexts()
        write(groups)
    }

    private mutating func writeChanges() {
        var lastMilliseconds: UInt64 = 0
        write(
            batch.changes.map { change in
                defer { lastMilliseconds = change.time.milliseconds }
                return Difference.encode(change.time.milliseconds, from: lastMilliseconds)
            })
        write(batch.changes.map { UInt64($0.time.counter) })
        write(batch.changes.map { UInt64($0.groups.count) })
        write(batch.changes.map { UInt64($0.contextDelta.count) })
    }

    private mutating func writeContexts() {
        let entries = batch.changes.flatMap(\.contextDelta)
        var last: [Origin: UInt64] = [:]
        write(entries.map { origins[$0.origin] })
        write(entries.map { UInt64($0.tips.count) })
        write(
            entries.flatMap { entry in
                entry.tips.map { tip in
                    defer { last[entry.origin] = tip.sequence }
                    return Difference.encode(tip.sequence, from: last[entry.origin, default: 0])
                }
            })
        for entry in entries {
            for tip in entry.tips { writer.prefix(tip.hash) }
        }
        endColumn()
    }

    private mutating func write(_ groups: GroupColumns) {
        write(groups.shapeNumbers)
        write(groups.records)
        write(groups.drops)
        write(groups.payloads)
        for stub in groups.stubs { writer.digest(stub) }
        endColumn()
        for values in groups.values { write(values) }
    }

    private mutating func write(_ references: ReferenceColumns) {
        for column in references.columns { write(column) }
        for hash in references.longHashes { writer.prefix(hash) }
        endColumn()
    }

    private mutating func write(_ column: [UInt64]) {
        IntegerColumn.write(column, into: &writer)
        endColumn()
    }

    private mutating func write(_ column: [[UInt8]]) {
        BytesColumn.write(column, into: &writer)
        endColumn()
    }

    /// Begins a new deflate block unless too little came since the last one to pay for its table.
    private mutating func endColumn() {
        if writer.count - (marks.last ?? 0) > 200 { marks.append(writer.count) }
    }
}

/// What the groups of a batch say, sorted into columns.
struct GroupColumns {
    private(set) var shapes: [Shape] = []
    private(set) var shapeNumbers: [UInt64] = []
    private(set) var records = ReferenceColumns()
    private(set) var drops = ReferenceColumns()
    private(set) var payloads: [[UInt8]] = []
    private(set) var stubs: [Digest] = []
    /// By field number; 0 for operations without one.
    private(set) var values: [[[UInt8]]]
    private var known: [Shape: Int] = [:]
    private var counts = ItemCounts()

    init(valueColumnCount: Int) {
        values = Array(repeating: [], count: valueColumnCount)
    }

    mutating func append(
        _ group: Group, _ names: NameNumbers, _ origins: OriginNumbers
    ) throws(WireError) {
        let number = try shapeNumber(of: Shape(of: group, names))
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

    func checkLimits() throws(WireError) {
        if let limit = counts.exceeded { throw WireError(.limitExceeded(limit), offset: 0) }
    }

    private mutating func shapeNumber(of shape: Shape) throws(WireError) -> Int {
        if let last = shapeNumbers.last, shapes[Int(last)] == shape { return Int(last) }
        if let number = known[shape] { return number }
        if let rule = shape.brokenRule { throw WireError(.ruleBroken(rule), offset: 0) }
        known[shape] = shapes.count
        shapes.append(shape)
        return shapes.count - 1
    }
}

extension Shape {
    fileprivate init(of group: Group, _ names: NameNumbers) {
        let subject: Subject =
            switch group.subject {
            case .casebook: .casebook
            case .created: .created
            case .existing: .existing
            }
        var type = 0
        var steps: [Step] = []
        let content: Content
        switch group.content {
        case .operations(let name, let operations):
            content = .operations
            type = names[name]
            steps = operations.map { Step(of: $0, names) }
        case .payload: content = .payload
        case .stub: content = .stub
        }
        self.init(kind: group.kind, subject: subject, content: content, type: type, steps: steps)
    }
}

extension Shape.Step {
    fileprivate init(of operation: Operation, _ names: NameNumbers) {
        self.init(
            kind: operation.kind, isSensitive: operation.isSensitive,
            field: names[operation.field], tags: operation.values.map(\.tag),
            dropCount: operation.drops.count)
    }
}
