import ParleyCRDT

/// Changes within logs that both sides hold which are asked for again: by the peer, answered one
/// after the other, and of the peer, once there is nothing else to exchange.
struct WantExchange {
    /// Wants of the peer that wait at most.
    private static let waitingLimit = 256
    /// Ranges asked for in one round.
    private static let roundLimit = 64
    /// Ranges asked for in one session.
    private static let sessionLimit = 1024

    private enum Look {
        /// Something has come or moved since the store was last asked what is missing.
        case due
        /// The store is asked what is missing.
        case underWay
        /// The peer has been asked and hasn't said that it has answered.
        case awaited
        case done
    }

    private var theirs: [ChangeRange] = []
    private var asked: Set<ChangeRange> = []
    private var look = Look.due
    /// Whether something came while the look was under way.
    private var isDueAgain = false
    /// Whether there was more to ask for than one round takes.
    private var hasMore = false

    // MARK: What the peer wants

    /// The next want to be answered.
    var next: ChangeRange? { theirs.first }

    /// - Returns: whether it isn't one too many.
    mutating func queue(_ range: ChangeRange) -> Bool {
        guard theirs.count < WantExchange.waitingLimit else { return false }
        theirs.append(range)
        return true
    }

    mutating func finishNext() {
        theirs.removeFirst()
    }

    // MARK: What this side wants

    /// Something has come or moved: there may be something else to ask for.
    mutating func noteNews() {
        if look == .done { look = .due } else { isDueAgain = true }
    }

    /// - Returns: whether the store is to be asked now what is missing.
    mutating func beginLook() -> Bool {
        guard look == .due else { return false }
        (look, isDueAgain) = (.underWay, false)
        return true
    }

    /// - Returns: what to ask the peer for, each range once in a session.
    mutating func finishLook(_ missing: [ChangeRange]) -> [ChangeRange] {
        let unasked = missing.filter { !asked.contains($0) }
        let fresh = unasked.prefix(
            min(WantExchange.roundLimit, WantExchange.sessionLimit - asked.count))
        asked.formUnion(fresh)
        hasMore = unasked.count > fresh.count
        if fresh.isEmpty { rest() } else { look = .awaited }
        return Array(fresh)
    }

    /// The peer has answered, as far as it can, and what it sent has arrived.
    mutating func noteAnswered() {
        guard look == .awaited else { return }
        rest()
    }

    private mutating func rest() {
        let canAskMore = hasMore && asked.count < WantExchange.sessionLimit
        look = isDueAgain || canAskMore ? .due : .done
        hasMore = false
    }

    /// Whether this side has asked for all it could.
    var isSettled: Bool { look == .done }
}
