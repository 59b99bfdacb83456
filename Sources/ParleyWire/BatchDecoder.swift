import ParleyCRDT
import ParleyModel

/// Reads a batch's columns and puts its changes together again.
///
/// Columns are read whole, in order; then one pass over the groups takes from each what it needs.
/// Nothing is allocated for a count before the count is known to be within the limits.
struct BatchDecoder {
    private let header: BatchHeader
    private var reader: ByteReader

    private var names: [FieldName] = []
    private var origins: OriginTable
    private var shapes: [Shape] = []
    /// How many more bytes joined words may come to, in all columns together.
    private var joinedBytesLeft = Limits.expandedBytesPerBatch

    init(_ header: BatchHeader, body: ByteReader) {
        self.header = header
        reader = body
        origins = OriginTable(own: header.origin, others: [])
    }

    mutating func decode() throws(WireError) -> Batch {
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
        return Batch(
            origin: header.origin, first: header.first, previous: header.previous,
            signature: header.signature, changes: changes, salts: salts)
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
        let contextCounts = try readCounts(.tips)
        let contexts = try ContextColumns.read(
            contextCounts.total, origins: &origins, from: &reader)
        var groups = try readGroups(groupCounts.total)
        var changes: [Change] = []
        changes.reserveCapacity(header.count)
        var nextContext = 0
        var (byteCount, saltCount) = (0, 0)
        for index in 0..<header.count {
            let contextEnd = nextContext + contextCounts.each[index]
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

    private mutating func readGroups(_ count: Int) throws(WireError) -> GroupCursor {
        let start = reader.offset
        let numbers = try IntegerColumn.read(count, from: &reader).map { Int(clamping: $0) }
        var uses = Array(repeating: 0, count: shapes.count)
        var used = 0
        for number in numbers {
            // Shapes stand in order of first use, so a new one is always the next.
            guard number <= used, number < shapes.count else {
                throw WireError(.noSuchIndex(.shape), offset: start)
            }
            used = max(used, number + 1)
            uses[number] += 1
        }
        guard used == shapes.count else { throw WireError(.unused(.shape), offset: start) }
        return try readContents(numbers, uses, start)
    }

    private mutating func readContents(
        _ numbers: [Int], _ uses: [Int], _ start: Int
    ) throws(WireError) -> GroupCursor {
        var items = ItemCounts()
        var recordCount = 0
        var payloadCount = 0
        var stubCount = 0
        var valueCounts = Array(repeating: 0, count: names.count + 1)
        for (shape, uses) in zip(shapes, uses) {
            items.add(shape, uses: uses)
            if shape.subject == .existing { recordCount += uses }
            if shape.content == .payload { payloadCount += uses }
            if shape.content == .stub { stubCount += uses }
            for step in shape.steps { valueCounts[step.field] += uses * step.payloadCount }
        }
        if let limit = items.exceeded { throw WireError(.limitExceeded(limit), offset: start) }

        let records = try ReferenceColumns.read(
            recordCount, withGroups: true, origins: &origins, from: &reader)
        let drops = try ReferenceColumns.read(
            items.dropCount, withGroups: false, origins: &origins, from: &reader)
        let payloads = try readBytes(payloadCount)
        try reader.require(stubCount * Digest.byteCount)
        var stubs: [Digest] = []
        stubs.reserveCapacity(stubCount)
        for _ in 0..<stubCount { stubs.append(try reader.digest()) }
        var values: [[[UInt8]]] = []
        values.reserveCapacity(valueCounts.count)
        for count in valueCounts { values.append(try readBytes(count)) }
        return GroupCursor(
            names: names, shapes: shapes, numbers: numbers, records: records, drops: drops,
            payloads: payloads, stubs: stubs, values: values)
    }

    private mutating func readBytes(_ count: Int) throws(WireError) -> [[UInt8]] {
        try BytesColumn.read(count, joinedBytesLeft: &joinedBytesLeft, from: &reader)
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
