import ParleyCRDT
import ParleyModel
import ParleyWire

/// What is read is what was written, and changes have one form of columns.
///
/// The first byte of an input says whether a batch follows, which need not be in the form that our
/// writer chooses (a reader takes any, see Protocol/parley-1.md §8.2), or what a batch is drawn from.
package struct RoundTripTarget: FuzzTarget {
    package static let name = "roundtrip"

    package init() {}

    package func run(_ input: [UInt8]) throws {
        guard let first = input.first else { return }
        let rest = Array(input.dropFirst())
        if first & 1 == 0 {
            try checkRead(rest)
        } else {
            try checkWritten(rest)
        }
    }

    /// From bytes.
    private func checkRead(_ bytes: [UInt8]) throws {
        guard let batch = try? Batch.decode(bytes) else { return }
        try checkForms(of: batch)
        if let hash = batch.previous, let named = try? Batch.naming(hash, in: bytes) {
            try expect(named == bytes, "naming the same predecessor changes nothing")
        }
    }

    /// From changes.
    private func checkWritten(_ bytes: [UInt8]) throws {
        var drawn = DrawnBatch(from: bytes)
        let batch = drawn.batch()
        guard (try? batch.encoded(compress: false)) != nil else { return }
        try checkForms(of: batch)
    }

    private func checkForms(of batch: Batch) throws {
        let deflated = try? batch.encoded(compress: true)
        guard let deflated else { throw BrokenLaw("a batch that was read can be written") }
        try expect((try? Batch.decode(deflated)) == batch, "deflated columns keep everything")
        // Only what needs deflate to fit has no plain form.
        guard let plain = try? batch.encoded(compress: false) else { return }
        let again = try? Batch.decode(plain)
        try expect(again == batch, "columns keep everything")
        try expect(
            (try? again?.encoded(compress: false)) == plain, "changes have one form of columns")
        try expect(deflated.count <= plain.count, "deflate is used where it helps")
        try expect((try? Batch.decode(plain + [0])) == nil, "nothing follows a batch")
        let header = try? Batch.header(of: plain)
        try expect(
            header?.first == batch.first && header?.last == batch.last,
            "the header names the run")
    }
}

/// Draws changes of every form from bytes, good ones for the most part.
private struct DrawnBatch {
    private var source: ByteSource
    private let origins: [Origin]
    private static let fields = ["name", "title", "place", "count_a", "tags", "note"].map {
        FieldName($0)!
    }

    init(from bytes: [UInt8]) {
        source = ByteSource(bytes)
        origins = (0..<4).map {
            Origin(node: NodeID(bytes: [UInt8](repeating: $0, count: 32))!, epoch: UInt64($0))
        }
    }

    mutating func batch() -> Batch {
        let first = max(1, source.number())
        let count = 1 + (source.flag() ? source.below(256) : source.below(4))
        let previous = source.flag() ? hash() : nil
        var changes: [Change] = []
        while changes.count < count, !source.isEmpty {
            changes.append(change(first &+ UInt64(changes.count)))
        }
        if changes.isEmpty { changes = [change(first)] }
        return Batch(
            origin: origins[0], first: first, previous: previous,
            signature: [UInt8](repeating: 2, count: Batch.signatureBytes), changes: changes,
            salts: salts(changes.count))
    }

    private mutating func salts(_ count: Int) -> [SaltRun] {
        guard count > 1, source.flag() else { return [.seed(changes: count, seed())] }
        let salts = (0..<source.below(4)).map { _ in
            Salt(
                change: source.below(2), group: source.below(3), slot: Int(source.number() & 0xfff),
                bytes: seed())
        }
        return [.explicit(changes: 1, salts), .seed(changes: count - 1, seed())]
    }

    private mutating func seed() -> [UInt8] { [UInt8](repeating: source.u8(), count: 16) }

    private mutating func hash() -> HashPrefix { HashPrefix(UInt128(source.u8())) }

    private mutating func change(_ sequence: UInt64) -> Change {
        let time = HybridTime(
            milliseconds: 1_000_000 &+ source.number(), counter: UInt16(source.u8()))
        var context: [Clock.Entry] = []
        for origin in origins[1...] where source.below(8) == 1 {
            let tips = (0...source.below(2)).map { _ in
                Tip(sequence: source.number(), hash: hash())
            }
            context.append(Clock.Entry(origin: origin, tips: tips))
        }
        let count = [1, 1, 1, 0, 2, 3, 1, 40][source.below(8)]
        return Change(
            origin: origins[0], sequence: sequence, time: time, contextDelta: context,
            groups: (0..<count).map { _ in group() })
    }

    private mutating func group() -> Group {
        switch source.below(10) {
        case 0: .reason(text())
        case 1: Group(kind: .record, subject: .existing(record()), content: .stub(digest()))
        case 2:
            Group(
                kind: GroupKind(rawValue: source.u8()), subject: .casebook,
                content: .payload(text()))
        case 3...5: .creation(type: source.element(of: DrawnBatch.fields), operations())
        default: .edit(of: record(), operations())
        }
    }

    private mutating func operations() -> [Operation] {
        (0..<source.below(5)).map { _ in operation() }
    }

    private mutating func operation() -> Operation {
        let field = source.element(of: DrawnBatch.fields)
        let isSensitive = source.flag()
        switch source.below(8) {
        case 0: return Operation(.write, field: field, values: [.absent])
        case 1: return Operation(.add, field: field, values: values(), isSensitive: isSensitive)
        case 2: return Operation(.remove, field: field, values: values(), isSensitive: isSensitive)
        case 3:
            return Operation(
                .resolve, field: field, values: values(),
                drops: (0...source.below(3)).map { _ in record().creation },
                isSensitive: isSensitive)
        case 4:
            return Operation(
                .setState, field: nil, values: [source.flag() ? .live : .deleted])
        case 5:
            let kind = OperationKind(rawValue: source.u8())
            return Operation(
                kind, field: source.flag() ? field : nil, values: values() + [.absent],
                isSensitive: isSensitive)
        default: return Operation(.write, field: field, values: values(), isSensitive: isSensitive)
        }
    }

    private mutating func values() -> [Value] {
        (0...source.below(2)).map { _ in
            source.below(8) == 7 ? .erased(digest()) : .text(text())
        }
    }

    private mutating func record() -> RecordReference {
        RecordReference(
            creation: DotReference(
                origin: source.element(of: origins), sequence: source.number(),
                hash: source.below(8) == 1 ? hash() : nil),
            group: UInt32(source.number() & 0x1fff))
    }

    private mutating func digest() -> Digest {
        Digest(bytes: [UInt8](repeating: source.u8(), count: 32))!
    }

    private mutating func text() -> [UInt8] {
        let words = ["exchange", "of", "307", "prisoners", "был", "", "-1", "-0", "0", "007", " "]
        switch source.below(8) {
        case 0: return source.take(source.below(30))
        case 1: return Array(String(Int64(bitPattern: source.number())).utf8)
        case 2: return Array(repeating: source.u8() & 0x7f, count: Int(source.u16()))
        default:
            let count = 1 + source.below(4)
            let drawn = (0..<count).map { _ in source.element(of: words) }
            return Array(drawn.joined(separator: " ").utf8)
        }
    }
}
