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
    private let alwaysWords: Bool
    private let origins: OriginNumbers

    /// - Parameter alwaysWords: packs texts as words wherever that is smaller, for batches that
    ///   don't fit otherwise: the end of a run whose beginning made words worth it.
    init(_ batch: Batch, alwaysWords: Bool = false) throws(WireError) {
        self.batch = batch
        self.alwaysWords = alwaysWords
        origins = OriginNumbers(of: batch.changes, own: batch.origin)
        try write()
    }

    /// What the limit of columns is about.
    var byteCount: Int { writer.count - saltByteCount }

    private mutating func write() throws(WireError) {
        var groups = GroupColumns()
        for change in batch.changes {
            for group in change.groups { try groups.append(group, origins) }
        }
        try groups.finish()
        writer.varint(groups.names.count)
        for name in groups.names { writer.text(name.text) }
        writer.varint(origins.sorted.count)
        for origin in origins.sorted { writer.origin(origin) }
        let start = writer.count
        writer.saltRuns(batch.salts)
        saltByteCount = writer.count - start

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
        BytesColumn.write(column, alwaysWords: alwaysWords, into: &writer)
        endColumn()
    }

    /// Begins a new deflate block unless too little came since the last one to pay for its table.
    private mutating func endColumn() {
        if writer.count - (marks.last ?? 0) > 200 { marks.append(writer.count) }
    }
}
