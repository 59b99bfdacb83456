import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyLog
import ParleyModel

/// Single changes decoded for earlier reads of a store: whoever looks at a list of conflicts does so
/// again.
///
/// A hash says all that a change ever held. What is left of that in the file changes only with commits
/// that take contents out or put them back, so what was decoded is good between two of these: the writer
/// tells when one begins and ends, and a read that began before or meanwhile gets and leaves nothing.
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

    /// What one read may have of it.
    struct View: Sendable {
        fileprivate let changes: RecentChanges
        fileprivate let period: Int

        /// - Parameter hash: of the change that the read finds there.
        func extract(_ key: Key, _ hash: Digest) -> Extract? {
            changes.state.withLockedValue { state in
                guard state.period == period, let found = state.extracts[key], found.hash == hash
                else { return nil }
                return found.extract
            }
        }

        func note(_ extract: Extract, as key: Key, _ hash: Digest) {
            changes.state.withLockedValue { state in
                if state.period == period { state.note(extract, as: key, hash) }
            }
        }
    }

    private struct State {
        var extracts: [Key: (hash: Digest, extract: Extract)] = [:]
        /// In the order in which they came.
        var order: [Key] = []
        /// Odd while contents change.
        var period = 0

        mutating func note(_ extract: Extract, as key: Key, _ hash: Digest) {
            if extracts.updateValue((hash, extract), forKey: key) == nil { order.append(key) }
            guard order.count > RecentChanges.limit else { return }
            // Half of them at once: one by one would move all others each time.
            for key in order.prefix(RecentChanges.limit / 2) { extracts[key] = nil }
            order.removeFirst(RecentChanges.limit / 2)
        }
    }

    private static let limit = 1_024

    private let state = NIOLockedValueBox(State())

    /// For a read whose snapshot is taken afterwards; `nil` while contents change.
    func view() -> View? {
        let period = state.withLockedValue { $0.period }
        return period.isMultiple(of: 2) ? View(changes: self, period: period) : nil
    }

    /// Calls `body`, which commits that contents were taken out of the file or put back.
    func changing(_ body: () throws -> Void) rethrows {
        state.withLockedValue { $0.period += 1 }
        defer {
            state.withLockedValue { state in
                state = State(period: state.period + 1)
            }
        }
        try body()
    }
}
