package import ParleyCRDT

/// Batches on their way into the store, in order, one transaction under way at a time.
package struct BatchIntake {
    private var waiting: [(casebook: Digest, bytes: [UInt8])] = []
    private var isStoring = false
    /// Of what waits and what is under way.
    package private(set) var byteCount = 0

    package init() {}

    package mutating func append(_ bytes: [UInt8], _ casebook: Digest) {
        waiting.append((casebook, bytes))
        byteCount += bytes.count
    }

    /// The next batches of one casebook, unless a transaction is under way.
    package mutating func next(_ limit: Int) -> (casebook: Digest, batches: [[UInt8]])? {
        guard !isStoring, let first = waiting.first else { return nil }
        let run = waiting.prefix(limit).prefix { $0.casebook == first.casebook }
        waiting.removeFirst(run.count)
        isStoring = true
        return (first.casebook, run.map(\.bytes))
    }

    /// The transaction that `next` gave out is over.
    package mutating func taken(_ batches: [[UInt8]]) {
        isStoring = false
        byteCount -= batches.reduce(0) { $0 + $1.count }
    }
}
