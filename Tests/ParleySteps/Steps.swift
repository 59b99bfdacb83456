import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire
import ParleyWorkload

/// Single steps of the way a change takes, on one batch of 1,024 creations and the edits that follow:
/// the same bytes in every run, so that instructions can be counted and compared.
struct Steps {
    enum Step: String, CaseIterable {
        case encode, decode, part, hash, verify, merge, varint
    }

    static let changeCount = 1_024

    private let previous = Digest.zero
    private let casebook = Digest.zero
    private let changes: [Change]
    private let sealed: VerifiedBatch
    private let edits: [Edit]
    private let numbers: [UInt8]

    init() throws {
        let identity = Identity(privateKey: [UInt8](repeating: 7, count: 32))!
        let author = LogAuthor(identity: identity, epoch: 1)
        changes = Workload().records(Steps.changeCount).enumerated().map { index, values in
            let operations = zip(Workload.fields, values).map { field, value in
                Operation(.write, field: FieldName(field)!, values: [.text(Array(value.utf8))])
            }
            return Change(
                origin: author.origin, sequence: UInt64(index + 1),
                time: HybridTime(milliseconds: 1_700_000_000_000 + UInt64(index), counter: 0),
                contextDelta: [], groups: [.creation(type: FieldName("report")!, operations)])
        }
        sealed = try author.run(
            of: changes, casebook: .zero, previous: .zero,
            seed: [UInt8](repeating: 9, count: 16))
        edits = Steps.edits(by: author.origin)
        var writer = ByteWriter()
        for number in 0..<UInt64(Steps.changeCount) { writer.varint(number &* 40_503) }
        numbers = writer.bytes
    }

    /// A record's creation, then changes of single fields, each in knowledge of the one before.
    private static func edits(by origin: Origin) -> [Edit] {
        var context = Clock()
        return (1...UInt64(changeCount)).map { sequence in
            let dot = Dot(
                origin: origin, sequence: sequence, hash: HashPrefix(UInt128(sequence)))
            let names = sequence == 1 ? Workload.fields : [Workload.fields[Int(sequence % 10)]]
            let writes = names.map { name in
                CellWrite(
                    target: .register(FieldName(name)!),
                    values: [.text(Array("value \(sequence)".utf8))], drops: .covered)
            }
            defer {
                context.set(
                    Clock.Entry(origin: origin, tip: Tip(sequence: sequence, hash: dot.hash)))
            }
            return Edit(dot: dot, context: context, writes: writes)
        }
    }

    /// Does one step for all changes.
    ///
    /// - Returns: something that depends on the outcome, so that the work can't be left out.
    func run(_ step: Step) throws -> Int {
        switch step {
        case .encode: return try sealed.batch.encoded(compress: true).count
        case .decode: return try Batch.decode(sealed.bytes).changes.count
        case .part: return try Batch.part(500...500, of: sealed.bytes).changes.count
        case .hash: return try VerifiedBatch.hashes(of: sealed.batch, after: previous).count
        case .verify:
            return try VerifiedBatch(bytes: sealed.bytes, casebook: casebook, previous: previous)
                .hashes.count
        case .merge:
            var state = RecordState()
            for edit in edits { state.apply(edit, in: LinearAncestry()) }
            return state.registers.count
        case .varint:
            var reader = ByteReader(numbers)
            var sum: UInt64 = 0
            while reader.remaining > 0 { sum &+= try reader.varint() }
            return Int(truncatingIfNeeded: sum)
        }
    }
}
