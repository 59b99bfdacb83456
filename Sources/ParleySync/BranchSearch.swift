import ParleyCRDT
import ParleyWire

/// The search for the newest change two peers share of logs that parted.
///
/// Both sides say once per session where their branches of such a log lie, and look for what the
/// other has named.
struct BranchSearch {
    enum Queued {
        /// To be looked for now.
        case first
        /// Once those before it have been.
        case later
        case tooMany
    }

    /// Locators that wait at most; no honest peer has more branches to speak of.
    private static let limit = 256

    /// Logs about which the peer has been told.
    private var told: Set<Origin> = []
    /// Logs of which the peer's branches are still to come.
    private var awaited: Set<Origin> = []
    private var queue: [Locator] = []

    /// - Returns: whether the peer is to be told of this side's branches, which is done once.
    mutating func begin(_ origin: Origin) -> Bool {
        guard told.insert(origin).inserted else { return false }
        awaited.insert(origin)
        return true
    }

    mutating func queue(_ locator: Locator) -> Queued {
        guard queue.count < BranchSearch.limit else { return .tooMany }
        queue.append(locator)
        return queue.count == 1 ? .first : .later
    }

    /// The locator at the head of the queue has been looked for.
    ///
    /// - Returns: the next one.
    mutating func finish(_ origin: Origin) -> Locator? {
        awaited.remove(origin)
        if !queue.isEmpty { queue.removeFirst() }
        return queue.first
    }

    func isAwaited(_ origin: Origin) -> Bool { awaited.contains(origin) }

    /// Whether something of this is still to be heard or looked for.
    var isUnderWay: Bool { !awaited.isEmpty || !queue.isEmpty }
}
