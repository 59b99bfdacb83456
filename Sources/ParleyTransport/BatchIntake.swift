import ParleyCRDT

/// Batches on their way into the store, in order, one transaction under way at a time.
struct BatchIntake {
    private var waiting: [(casebook: Digest, bytes: [UInt8])] = []
    private var isStoring = false
    /// Of what waits and what is under way.
    private(set) var byteCount = 0

    mutating func append(_ bytes: [UInt8], _ casebook: Digest) {
        waiting.append((casebook, bytes))
        byteCount += bytes.count
    }

    /// The next batches of one casebook, unless a transaction is under way.
    mutating func next(_ limit: Int) -> (casebook: Digest, batches: [[UInt8]])? {
        guard !isStoring, let first = waiting.first else { return nil }
        let run = waiting.prefix(limit).prefix { $0.casebook == first.casebook }
        waiting.removeFirst(run.count)
        isStoring = true
        return (first.casebook, run.map(\.bytes))
    }

    /// The transaction that `next` gave out is over.
    mutating func taken(_ batches: [[UInt8]]) {
        isStoring = false
        byteCount -= batches.reduce(0) { $0 + $1.count }
    }
}

/// People who wait for a session to have exchanged everything.
struct SyncWaiters {
    private var waiting: [(number: UInt64, hasPassed: Bool, answer: (SyncReport) -> Void)] = []
    private var nextNumber: UInt64 = 1

    /// - Returns: the number of the barrier that must pass first.
    mutating func add(_ answer: @escaping (SyncReport) -> Void) -> UInt64 {
        nextNumber += 1
        waiting.append((nextNumber, false, answer))
        return nextNumber
    }

    /// Barriers that were asked for before the session stood.
    var pending: [UInt64] { waiting.filter { !$0.hasPassed }.map(\.number) }

    mutating func passed(_ number: UInt64) {
        for index in waiting.indices where waiting[index].number == number {
            waiting[index].hasPassed = true
        }
    }

    mutating func check(isQuiet: Bool, _ report: () -> SyncReport) {
        guard isQuiet, waiting.contains(where: \.hasPassed) else { return }
        let done = waiting.filter(\.hasPassed)
        waiting.removeAll(where: \.hasPassed)
        let report = report()
        for waiter in done { waiter.answer(report) }
    }

    mutating func fail(_ report: SyncReport) {
        for waiter in waiting { waiter.answer(report) }
        waiting = []
    }
}
