import ParleyCRDT
import ParleyModel

/// References to changes, column by column: whose, which, and a hash for those beyond a fork.
///
/// Sequence numbers are differences, modulo 2^64, to the last one of the same origin in the same
/// columns, because people edit what lies near what they edited before.
/// Specification: Protocol/parley-1.md "References"
struct ReferenceColumns {
    private var origins: [UInt64] = []
    private var differences: [UInt64] = []
    private var groups: [UInt64] = []
    private var longFlags: [UInt64] = []
    private var hashes: [HashPrefix] = []
    private var last: [UInt64: UInt64] = [:]

    /// - Parameter origin: the reference's origin by its number in the batch.
    mutating func append(_ reference: DotReference, origin: UInt64, group: UInt32? = nil) {
        origins.append(origin)
        differences.append(Difference.encode(reference.sequence, from: last[origin, default: 0]))
        last[origin] = reference.sequence
        if let group { groups.append(UInt64(group)) }
        longFlags.append(reference.hash == nil ? 0 : 1)
        if let hash = reference.hash { hashes.append(hash) }
    }

    /// The columns one by one, so that the caller can note where each ends.
    var columns: [[UInt64]] {
        [origins, differences] + (groups.isEmpty ? [] : [groups]) + [longFlags]
    }

    var longHashes: [HashPrefix] { hashes }

    /// Reads `count` references, with the index of the creating group where `withGroups`.
    static func read(
        _ count: Int, withGroups: Bool, origins table: inout OriginTable,
        from reader: inout ByteReader
    ) throws(WireError) -> [RecordReference] {
        let origins = try table.numbers(count, from: &reader)
        let start = reader.offset
        let differences = try IntegerColumn.read(count, from: &reader)
        let groups =
            withGroups
            ? try IntegerColumn.read(
                count, below: UInt64(Limits.groupsPerChange), .groupIndex, from: &reader) : []
        let longFlags = try IntegerColumn.read(count, below: 2, .flag, from: &reader)
        var last = Array(repeating: UInt64(0), count: table.count)
        var references: [RecordReference] = []
        references.reserveCapacity(count)
        for index in 0..<count {
            let origin = origins[index]
            let sequence = Difference.decode(differences[index], from: last[origin])
            guard sequence > 0 else { throw WireError(.outOfRange(.sequence), offset: start) }
            last[origin] = sequence
            let hash = longFlags[index] == 1 ? try reader.prefix() : nil
            let creation = DotReference(
                origin: table[origin], sequence: sequence, hash: hash)
            references.append(
                RecordReference(creation: creation, group: withGroups ? UInt32(groups[index]) : 0))
        }
        return references
    }
}

/// Differences of numbers modulo 2^64, small ones in either direction first.
enum Difference {
    static func encode(_ value: UInt64, from last: UInt64) -> UInt64 {
        Zigzag.encode(Int64(bitPattern: value &- last))
    }

    static func decode(_ difference: UInt64, from last: UInt64) -> UInt64 {
        last &+ UInt64(bitPattern: Zigzag.decode(difference))
    }
}

/// The origins a batch refers to: number 0 is its own, the others are listed in it.
struct OriginTable {
    private let origins: [Origin]
    private var isUsed: [Bool]

    /// - Parameter others: sorted, without `own`.
    init(own: Origin, others: [Origin]) {
        origins = [own] + others
        isUsed = [true] + Array(repeating: false, count: others.count)
    }

    var count: Int { origins.count }

    var allAreUsed: Bool { isUsed.allSatisfy { $0 } }

    subscript(number: Int) -> Origin { origins[number] }

    /// Reads a column of origin numbers and notes which are used.
    mutating func numbers(
        _ count: Int, from reader: inout ByteReader
    ) throws(WireError) -> [Int] {
        let start = reader.offset
        var numbers: [Int] = []
        numbers.reserveCapacity(count)
        for number in try IntegerColumn.read(count, from: &reader) {
            guard number < UInt64(origins.count) else {
                throw WireError(.noSuchIndex(.origin), offset: start)
            }
            isUsed[Int(number)] = true
            numbers.append(Int(number))
        }
        return numbers
    }

    static func read(own: Origin, from reader: inout ByteReader) throws(WireError) -> OriginTable {
        let count = try reader.count(elementSize: Origin.byteCount)
        var others: [Origin] = []
        others.reserveCapacity(count)
        for _ in 0..<count {
            let position = reader.offset
            let origin = try reader.origin()
            if let last = others.last, last >= origin {
                throw WireError(.unsorted(.origin), offset: position)
            }
            guard origin != own else { throw WireError(.outOfRange(.origin), offset: position) }
            others.append(origin)
        }
        return OriginTable(own: own, others: others)
    }
}
