import ParleyCRDT
import ParleyModel

/// The names a batch uses, numbered from 1 as they turn up; 0 stands for no name.
///
/// On the wire they are sorted, so a last step gives each its final number.
struct NameNumbers {
    /// By provisional number.
    private(set) var names: [FieldName?] = [nil]
    private var numbers: [FieldName: Int] = [:]

    mutating func number(of name: FieldName?) -> Int {
        guard let name else { return 0 }
        if let number = numbers[name] { return number }
        numbers[name] = names.count
        names.append(name)
        return names.count - 1
    }

    /// Provisional numbers in the order of their names, 0 first.
    var sorted: [Int] {
        [0] + (1..<names.count).sorted { names[$0]!.text < names[$1]!.text }
    }
}

/// The origins a batch refers to, sorted, and their numbers from 1; its own is 0 and not listed.
struct OriginNumbers {
    let sorted: [Origin]
    private let numbers: [Origin: UInt64]

    init(of changes: [Change], own: Origin) {
        var origins: Set<Origin> = []
        for change in changes {
            for entry in change.contextDelta { origins.insert(entry.origin) }
            for group in change.groups {
                if case .existing(let record) = group.subject {
                    origins.insert(record.creation.origin)
                }
                guard case .operations(_, let operations) = group.content else { continue }
                for operation in operations {
                    for drop in operation.drops { origins.insert(drop.origin) }
                }
            }
        }
        origins.remove(own)
        sorted = origins.sorted()
        numbers = Dictionary(uniqueKeysWithValues: zip(sorted, 1...))
    }

    subscript(origin: Origin) -> UInt64 { numbers[origin] ?? 0 }
}

/// How much a batch's columns stand for, held against the limits before any of it is allocated.
struct ItemCounts {
    private var groups = 0
    private var operations = 0
    private var values = 0
    private var drops = 0

    /// Counts `uses` groups of this shape. Each count stays within a shape's own bounds times the
    /// groups of a batch, far from overflow.
    mutating func add(_ shape: Shape, uses: Int = 1) {
        groups += uses
        operations += uses * shape.steps.count
        for step in shape.steps {
            values += uses * step.tags.count
            drops += uses * step.dropCount
        }
    }

    var dropCount: Int { drops }

    var exceeded: WireError.Limit? {
        if groups > Limits.itemsPerBatch { return .groups }
        if operations > Limits.itemsPerBatch { return .operations }
        if values > Limits.itemsPerBatch { return .values }
        return drops > Limits.itemsPerBatch ? .drops : nil
    }
}
