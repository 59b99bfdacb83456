import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyLog
import ParleyModel

/// Single changes decoded for earlier reads of a store: whoever looks at a list of conflicts does so
/// again.
///
/// Nothing here can be out of date: a reader finds the stored batch in its own snapshot first, and gets
/// what was decoded only of the very same bytes.
final class RecentChanges: Sendable {
    /// One change of a stored batch, and what its author and those before it had come to know.
    struct Extract: Sendable {
        let change: Change
        /// Of the changes from which its context follows, the first of them at `first`, itself the last.
        let contextDeltas: [[Clock.Entry]]
        let first: UInt64
    }

    struct Key: Hashable {
        let lane: Int
        let sequence: UInt64
    }

    private struct State {
        var extracts: [Key: (batch: Digest, extract: Extract)] = [:]
        /// In the order in which they came.
        var order: [Key] = []
    }

    private static let limit = 1_024

    private let state = NIOLockedValueBox(State())

    /// - Parameter batch: the digest of the stored bytes.
    func extract(_ key: Key, of batch: Digest) -> Extract? {
        let found = state.withLockedValue { $0.extracts[key] }
        return found?.batch == batch ? found?.extract : nil
    }

    func note(_ extract: Extract, as key: Key, of batch: Digest) {
        state.withLockedValue { state in
            let before = state.extracts.updateValue((batch, extract), forKey: key)
            if before == nil { state.order.append(key) }
            guard state.order.count > RecentChanges.limit else { return }
            // Half of them at once: one by one would move all others each time.
            for key in state.order.prefix(RecentChanges.limit / 2) { state.extracts[key] = nil }
            state.order.removeFirst(RecentChanges.limit / 2)
        }
    }
}
