import ParleyCRDT
import ParleyModel
import ParleyWire

/// The same numbers for the same seed, on every machine (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }
}

/// Draws well-formed batches that use every form the format has.
struct RandomBatch {
    private var generator: SeededGenerator
    private let origins: [Origin]
    private let fields: [FieldName]

    init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        origins = (0..<5).map { _ in
            Origin(node: NodeID(bytes: generator.bytes(32))!, epoch: generator.next())
        }
        fields = ["name", "title", "place", "count_a", "tags", "note"].map { FieldName($0)! }
        self.generator = generator
    }

    mutating func batch(changes count: Int) -> Batch {
        let own = origins[0]
        let first = generator.chance(10) ? UInt64.max - 5_000 : UInt64(1 + generator.below(5_000))
        let changes = (0..<count).map { change(own, first + UInt64($0)) }
        return Batch(
            origin: own, first: first, previous: generator.chance(20) ? prefix() : nil,
            signature: generator.bytes(64), changes: changes, salts: salts(count))
    }

    private mutating func salts(_ count: Int) -> [SaltRun] {
        guard count > 1, generator.chance(30) else {
            return [.seed(changes: count, generator.bytes(16))]
        }
        let salt = Salt(change: 0, group: 1, slot: 2, bytes: generator.bytes(16))
        return [.explicit(changes: 1, [salt]), .seed(changes: count - 1, generator.bytes(16))]
    }

    private mutating func change(_ origin: Origin, _ sequence: UInt64) -> Change {
        let time = HybridTime(
            milliseconds: 1_760_000_000_000 + UInt64(generator.below(1_000_000)),
            counter: UInt16(generator.below(3)))
        let seen = origins.dropFirst().filter { _ in generator.chance(20) }.sorted()
        let context = seen.map { origin in
            let count = generator.chance(20) ? 2 : 1
            return Clock.Entry(origin: origin, tips: (0..<count).map { _ in tip() })
        }
        let count = generator.chance(70) ? 1 : generator.below(4)
        return Change(
            origin: origin, sequence: sequence, time: time, contextDelta: context,
            groups: (0..<count).map { _ in group(before: sequence) })
    }

    private mutating func group(before sequence: UInt64) -> Group {
        switch generator.below(10) {
        case 0: .reason(text())
        case 1:
            Group(
                kind: .record, subject: .existing(record(before: sequence)),
                content: .stub(Digest(bytes: generator.bytes(32))!))
        case 2:
            Group(
                kind: GroupKind(rawValue: 200), subject: .casebook,
                content: .payload(generator.bytes(9)))
        case 3...5: .creation(type: generator.pick(fields), operations(before: sequence))
        default: .edit(of: record(before: sequence), operations(before: sequence))
        }
    }

    /// Each field at most once, so that no cell is written twice.
    private mutating func operations(before sequence: UInt64) -> [Operation] {
        var operations: [Operation] = []
        for field in fields.shuffled(using: &generator).prefix(generator.below(5)) {
            operations.append(operation(on: field, before: sequence))
        }
        if generator.chance(10) {
            let value: Value = generator.chance(50) ? .live : .deleted
            operations.append(Operation(.setState, field: nil, values: [value]))
        }
        if generator.chance(5) {
            let kind = OperationKind(rawValue: 77)
            operations.append(Operation(kind, field: nil, values: [.text(text()), .absent]))
        }
        return operations
    }

    private mutating func operation(on field: FieldName, before sequence: UInt64) -> Operation {
        let isSensitive = generator.chance(30)
        let value: Value =
            isSensitive && generator.chance(30)
            ? .erased(Digest(bytes: generator.bytes(32))!) : .text(text())
        switch generator.below(6) {
        case 0: return Operation(.write, field: field, values: [.absent])
        case 1: return Operation(.add, field: field, values: [value], isSensitive: isSensitive)
        case 2: return Operation(.remove, field: field, values: [value], isSensitive: isSensitive)
        case 3:
            let drops = (0...generator.below(3)).map { _ in record(before: sequence).creation }
            return Operation(
                .resolve, field: field, values: [value, .absent], drops: drops,
                isSensitive: isSensitive)
        default: return Operation(.write, field: field, values: [value], isSensitive: isSensitive)
        }
    }

    private mutating func record(before sequence: UInt64) -> RecordReference {
        let origin =
            sequence > 1 && generator.chance(60) ? origins[0] : origins[1 + generator.below(4)]
        let last = origin == origins[0] ? sequence - 1 : UInt64.max
        let creation = DotReference(
            origin: origin, sequence: UInt64.random(in: 1...last, using: &generator),
            hash: generator.chance(10) ? prefix() : nil)
        return RecordReference(creation: creation, group: UInt32(generator.below(4_096)))
    }

    private mutating func text() -> [UInt8] {
        let words = ["exchange", "of", "307", "prisoners", "был", "near", "الحدود", ""]
        let count = generator.below(6)
        if count == 0 { return Array("\(Int64.random(in: -5...400, using: &generator))".utf8) }
        return Array((0..<count).map { _ in generator.pick(words) }.joined(separator: " ").utf8)
    }

    private mutating func tip() -> Tip {
        Tip(sequence: UInt64.random(in: 1...UInt64.max, using: &generator), hash: prefix())
    }

    private mutating func prefix() -> HashPrefix { HashPrefix(bytes: generator.bytes(16))! }
}
