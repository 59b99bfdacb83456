package import ParleyCRDT
package import ParleyModel

/// Reads a batch's columns and puts its changes together again.
///
/// Columns are read whole, in order; then one pass over the groups takes from each what it needs.
/// Nothing is allocated for a count before the count is known to be within the limits.
///
/// Where only some changes are wanted, the others' values are passed over: making them takes most of
/// the time.
struct BatchDecoder {
    private let header: BatchHeader
    /// The changes that are made, by index.
    private let part: Range<Int>
    private var reader: ByteReader

    private var names: [FieldName] = []
    private var origins: OriginTable
    private var shapes: [Shape] = []
    /// How many of the contexts each change has.
    private var contextCounts: [Int] = []
    private var contexts: [Clock.Entry] = []
    /// How many more bytes joined words may come to, in all columns together.
    private var joinedBytesLeft = Limits.expandedBytesPerBatch

    /// - Parameter part: the changes that are wanted, by index within the batch; `nil` for all.
    init(_ header: BatchHeader, body: ByteReader, part: Range<Int>? = nil) {
        self.header = header
        self.part = part ?? 0..<header.count
        reader = body
        origins = OriginTable(own: header.origin, others: [])
    }

    mutating func decode() throws(WireError) -> Batch {
        let (changes, salts) = try read()
        return Batch(
            origin: header.origin, first: header.first, previous: header.previous,
            signature: header.signature, changes: changes, salts: salts)
    }

    /// The changes that are wanted, and what the author of each change had come to know.
    mutating func decodePart() throws(WireError) -> BatchPart {
        let changes = try read().changes
        var next = 0
        let deltas = contextCounts.map { count in
            defer { next += count }
            return Array(contexts[next..<next + count])
        }
        return BatchPart(changes: changes, contextDeltas: deltas)
    }

    private mutating func read() throws(WireError) -> (changes: [Change], salts: [SaltRun]) {
        let bodyByteCount = reader.remaining
        guard bodyByteCount <= Limits.inflatedBytes else {
            throw reader.error(.limitExceeded(.inflatedBytes))
        }
        try readNames()
        origins = try OriginTable.read(own: header.origin, from: &reader)
        let saltStart = reader.offset
        let salts = try reader.saltRuns(changeCount: header.count)
        let saltByteCount = reader.offset - saltStart
        guard bodyByteCount - saltByteCount <= Limits.columnBytes else {
            throw reader.error(.limitExceeded(.columnBytes))
        }
        try readShapes()
        let changes = try readChanges()
        guard origins.allAreUsed else { throw reader.error(.unused(.origin)) }
        try reader.finish()
        return (changes, salts)
    }

    private mutating func readNames() throws(WireError) {
        let count = try reader.count(elementSize: 2)
        names.reserveCapacity(count)
        for _ in 0..<count {
            let position = reader.offset
            let bytes = try reader.bytes(limit: FieldName.maximumByteCount)
            guard let name = FieldName(bytes: bytes) else {
                throw WireError(.nameMalformed, offset: position)
            }
            if let last = names.last, last >= name {
                throw WireError(.unsorted(.name), offset: position)
            }
            names.append(name)
        }
    }

    private mutating func readShapes() throws(WireError) {
        let start = reader.offset
        let count = try reader.count(elementSize: 3)
        shapes.reserveCapacity(count)
        var isUsed = Array(repeating: false, count: names.count + 1)
        isUsed[0] = true
        for _ in 0..<count {
            let shape = try reader.shape(nameCount: names.count)
            isUsed[shape.type] = true
            for step in shape.steps { isUsed[step.field] = true }
            shapes.append(shape)
        }
        guard isUsed.allSatisfy({ $0 }) else { throw WireError(.unused(.name), offset: start) }
    }

    private mutating func readChanges() throws(WireError) -> [Change] {
        let times = try readTimes()
        let groupCounts = try readCounts(.groups)
        let (contextCounts, contextTotal) = try readCounts(.tips)
        self.contextCounts = contextCounts
        contexts = try ContextColumns.read(contextTotal, origins: &origins, from: &reader)
        var groups = try readGroups(groupCounts.each)
        var changes: [Change] = []
        changes.reserveCapacity(part.count)
        var nextContext = contextCounts[..<part.lowerBound].reduce(0, +)
        var (byteCount, saltCount) = (0, 0)
        for index in part {
            let contextEnd = nextContext + contextCounts[index]
            do throws(WireError.Code) {
                let change = Change(
                    origin: header.origin, sequence: header.first + UInt64(index),
                    time: times[index], contextDelta: Array(contexts[nextContext..<contextEnd]),
                    groups: try groups.next(groupCounts.each[index]))
                byteCount += try ChangeRules.check(change)
                guard byteCount <= Limits.expandedBytesPerBatch else {
                    throw .limitExceeded(.expandedBytes)
                }
                for group in change.groups { saltCount += group.saltCount }
                guard saltCount <= Limits.saltsPerBatch else { throw .limitExceeded(.salts) }
                changes.append(change)
            } catch {
                throw reader.error(error)
            }
            nextContext = contextEnd
        }
        return changes
    }

    private mutating func readTimes() throws(WireError) -> [HybridTime] {
        let start = reader.offset
        let differences = try IntegerColumn.read(header.count, from: &reader)
        let counters = try IntegerColumn.read(
            header.count, below: 1 << 16, .counter, from: &reader)
        var milliseconds: UInt64 = 0
        var times: [HybridTime] = []
        times.reserveCapacity(header.count)
        for (difference, counter) in zip(differences, counters) {
            milliseconds = Difference.decode(difference, from: milliseconds)
            guard milliseconds < Limits.milliseconds else {
                throw WireError(.outOfRange(.time), offset: start)
            }
            times.append(HybridTime(milliseconds: milliseconds, counter: UInt16(counter)))
        }
        return times
    }

    /// Reads how many of something each change has, and bounds their sum.
    private mutating func readCounts(
        _ limit: WireError.Limit
    ) throws(WireError) -> (each: [Int], total: Int) {
        let start = reader.offset
        let counts = try IntegerColumn.read(
            header.count, below: UInt64(Limits.itemsPerBatch) + 1, .change, from: &reader)
        let total = counts.reduce(0, +)
        guard total <= UInt64(Limits.itemsPerBatch) else {
            throw WireError(.limitExceeded(limit), offset: start)
        }
        return (counts.map { Int($0) }, Int(total))
    }

    /// - Parameter counts: how many groups each change has.
    private mutating func readGroups(_ counts: [Int]) throws(WireError) -> GroupCursor {
        let start = reader.offset
        let numbers = try IntegerColumn.read(counts.reduce(0, +), from: &reader)
            .map { Int(clamping: $0) }
        let first = counts[..<part.lowerBound].reduce(0, +)
        let wanted = first..<first + counts[part].reduce(0, +)
        var all = ColumnUses(shapes: shapes.count)
        for number in numbers {
            // Shapes stand in order of first use, so a new one is always the next.
            guard number <= all.shapeCount, number < shapes.count else {
                throw WireError(.noSuchIndex(.shape), offset: start)
            }
            all.add(number)
        }
        guard all.shapeCount == shapes.count else {
            throw WireError(.unused(.shape), offset: start)
        }
        var items = ItemCounts()
        for (shape, uses) in zip(shapes, all.uses) { items.add(shape, uses: uses) }
        if let limit = items.exceeded { throw WireError(.limitExceeded(limit), offset: start) }
        return try readContents(
            numbers[wanted], all.counts(shapes, names: names.count),
            before: ColumnUses(numbers[..<wanted.lowerBound], shapes: shapes.count)
                .counts(shapes, names: names.count),
            within: ColumnUses(numbers[wanted], shapes: shapes.count)
                .counts(shapes, names: names.count))
    }

    /// - Parameters:
    ///   - numbers: the shapes of the groups that are wanted.
    ///   - all: what all groups take from each column, `before` those before them, `within` they.
    private mutating func readContents(
        _ numbers: ArraySlice<Int>, _ all: ColumnCounts, before: ColumnCounts, within: ColumnCounts
    ) throws(WireError) -> GroupCursor {
        let records = try ReferenceColumns.read(
            all.records, withGroups: true, origins: &origins, from: &reader)
        let drops = try ReferenceColumns.read(
            all.drops, withGroups: false, origins: &origins, from: &reader)
        let payloads = try readBytes(
            all.payloads, part: before.payloads..<before.payloads + within.payloads)
        try reader.require(all.stubs * Digest.byteCount)
        var stubs: [Digest] = []
        stubs.reserveCapacity(all.stubs)
        for _ in 0..<all.stubs { stubs.append(try reader.digest()) }
        var values: [[[UInt8]]] = []
        values.reserveCapacity(all.values.count)
        for (field, count) in all.values.enumerated() {
            let first = before.values[field]
            values.append(try readBytes(count, part: first..<first + within.values[field]))
        }
        return GroupCursor(
            names: names, shapes: shapes, numbers: numbers,
            records: records[before.records..<before.records + within.records],
            drops: drops[before.drops..<before.drops + within.drops], payloads: payloads,
            stubs: stubs[before.stubs..<before.stubs + within.stubs], values: values)
    }

    private mutating func readBytes(
        _ count: Int, part: Range<Int>
    ) throws(WireError) -> [[UInt8]] {
        try BytesColumn.read(
            count, part: part, joinedBytesLeft: &joinedBytesLeft, from: &reader)
    }
}

/// Some changes of a batch.
package struct BatchPart: Sendable {
    package let changes: [Change]
    /// Of all changes of the batch.
    package let contextDeltas: [[Clock.Entry]]
}

/// How often some groups use each shape.
private struct ColumnUses {
    private(set) var uses: [Int]
    /// How many of the shapes are used, which stand in order of first use.
    private(set) var shapeCount = 0

    init(shapes: Int) {
        uses = Array(repeating: 0, count: shapes)
    }

    init(_ numbers: ArraySlice<Int>, shapes: Int) {
        self.init(shapes: shapes)
        for number in numbers { add(number) }
    }

    mutating func add(_ number: Int) {
        uses[number] += 1
        shapeCount = max(shapeCount, number + 1)
    }

    func counts(_ shapes: [Shape], names: Int) -> ColumnCounts {
        var counts = ColumnCounts(values: Array(repeating: 0, count: names + 1))
        for (shape, uses) in zip(shapes, uses) where uses > 0 { counts.add(shape, uses: uses) }
        return counts
    }
}

/// How many entries some groups take from each column.
private struct ColumnCounts {
    var records = 0
    var drops = 0
    var payloads = 0
    var stubs = 0
    /// By number of the field, 0 for none.
    var values: [Int]

    mutating func add(_ shape: Shape, uses: Int) {
        if shape.subject == .existing { records += uses }
        if shape.content == .payload { payloads += uses }
        if shape.content == .stub { stubs += uses }
        for step in shape.steps {
            values[step.field] += uses * step.payloadCount
            drops += uses * step.dropCount
        }
    }
}

/// What authors had seen, column by column.
enum ContextColumns {
    static func read(
        _ count: Int, origins table: inout OriginTable, from reader: inout ByteReader
    ) throws(WireError) -> [Clock.Entry] {
        let origins = try table.numbers(count, from: &reader)
        let start = reader.offset
        let tipCounts = try IntegerColumn.read(
            count, below: UInt64(Limits.tips) + 1, .tip, from: &reader)
        let total = tipCounts.reduce(0, +)
        guard !tipCounts.contains(0) else { throw WireError(.outOfRange(.tip), offset: start) }
        guard total <= UInt64(Limits.itemsPerBatch) else {
            throw WireError(.limitExceeded(.tips), offset: start)
        }
        let differences = try IntegerColumn.read(Int(total), from: &reader)
        try reader.require(Int(total) * HashPrefix.byteCount)
        var last = Array(repeating: UInt64(0), count: table.count)
        var next = 0
        var entries: [Clock.Entry] = []
        entries.reserveCapacity(count)
        for (origin, tipCount) in zip(origins, tipCounts) {
            var tips: [Tip] = []
            tips.reserveCapacity(Int(tipCount))
            for difference in differences[next..<next + Int(tipCount)] {
                let sequence = Difference.decode(difference, from: last[origin])
                last[origin] = sequence
                tips.append(Tip(sequence: sequence, hash: try reader.prefix()))
            }
            next += Int(tipCount)
            guard zip(tips, tips.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw WireError(.unsorted(.tip), offset: start)
            }
            entries.append(Clock.Entry(origin: table[origin], tips: tips))
        }
        return entries
    }
}
