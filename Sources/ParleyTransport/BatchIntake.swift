package import ParleyCRDT

/// Batches on their way into the store, in order: one group is checked while the one before it is
/// stored.
package struct BatchIntake {
    /// What is checked together and becomes durable together.
    package struct Group {
        package let casebook: Digest
        package let batches: [[UInt8]]

        fileprivate var byteCount: Int { batches.reduce(0) { $0 + $1.count } }
    }

    private var waiting: [(casebook: Digest, bytes: [UInt8])] = []
    private var isChecking = false
    private var checked: (group: Group, batches: CheckedBatches)?
    /// The changes that are being stored.
    private var storing: (casebook: Digest, runs: [LogRun])?
    /// Of what waits and what is under way.
    package private(set) var byteCount = 0

    package init() {}

    package mutating func append(_ bytes: [UInt8], _ casebook: Digest) {
        waiting.append((casebook, bytes))
        byteCount += bytes.count
    }

    /// The next batches of one casebook, to be checked, unless others wait for their turn to be stored;
    /// and what came before them that may not be stored yet.
    package mutating func next(_ limit: Int) -> (group: Group, after: [LogRun])? {
        guard !isChecking, checked == nil, let first = waiting.first else { return nil }
        let run = waiting.prefix(limit).prefix { $0.casebook == first.casebook }
        waiting.removeFirst(run.count)
        isChecking = true
        return (
            Group(casebook: first.casebook, batches: run.map(\.bytes)),
            storing?.casebook == first.casebook ? storing?.runs ?? [] : []
        )
    }

    /// The group that `next` gave out was checked, whatever came of it.
    package mutating func checked(_ group: Group, _ batches: CheckedBatches) {
        isChecking = false
        checked = (group, batches)
    }

    /// What to store now, unless something is being stored.
    package mutating func nextChecked() -> (group: Group, batches: CheckedBatches)? {
        guard storing == nil, let next = checked else { return nil }
        checked = nil
        storing = (next.group.casebook, next.batches.runs)
        return next
    }

    /// The transaction of what `nextChecked` gave out is over.
    package mutating func stored(_ group: Group) {
        storing = nil
        byteCount -= group.byteCount
    }
}
