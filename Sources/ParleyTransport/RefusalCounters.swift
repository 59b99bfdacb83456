import NIOConcurrencyHelpers
package import ParleyCRDT

/// How many connections were refused or dropped, by reason: a fault that isn't counted is a fault
/// nobody finds.
package final class RefusalCounters: Sendable {
    private struct Counts {
        var total: [CloseReason: Int] = [:]
        var byNode: [NodeID: [CloseReason: Int]] = [:]
    }

    private let counts = NIOLockedValueBox(Counts())
    private let observe: @Sendable (CloseReason, NodeID?) -> Void

    /// - Parameter observe: told of each refusal after it is counted, for the log; on any thread.
    package init(observe: @escaping @Sendable (CloseReason, NodeID?) -> Void = { _, _ in }) {
        self.observe = observe
    }

    /// Counts one refusal; other reasons are passed over.
    ///
    /// - Parameter node: only ever a member or a node that was dialled, because strangers could
    ///   make the table grow without bound.
    package func add(_ reason: CloseReason, node: NodeID?) {
        guard reason.isRefusal else { return }
        counts.withLockedValue {
            $0.total[reason, default: 0] += 1
            if let node { $0.byNode[node, default: [:]][reason, default: 0] += 1 }
        }
        observe(reason, node)
    }

    /// All refusals since the start, with those of strangers.
    package var total: [String: Int] {
        RefusalCounters.named(counts.withLockedValue { $0.total })
    }

    /// The refusals of connections from or to this node.
    package func count(of node: NodeID) -> [String: Int] {
        RefusalCounters.named(counts.withLockedValue { $0.byNode[node] ?? [:] })
    }

    private static func named(_ counts: [CloseReason: Int]) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: counts.map { ($0.key.rawValue, $0.value) })
    }
}
