package import ParleyCRDT
import ParleyLog
import ParleyModel

/// A log of which changes are held that can't be applied yet.
package struct WaitingLog: Hashable, Sendable {
    package let origin: Origin
    /// How many of its changes wait.
    package let count: Int
    /// A change that must be applied first; `nil` where its contents are missing, or news of an
    /// erasure that explains that.
    package let cause: Dot?
}

/// How a casebook stands to those of others.
extension ReadScope {
    /// The logs that wait, and for whom.
    package func waitingLogs() throws -> [WaitingLog] {
        let (logs, history) = (try logs(), try history())
        return try lanes().lanes.filter { !$0.isComplete }.map { lane in
            let context = try history.context(lane.number, lane.applied.sequence + 1)
            let cause = try context.entries.lazy.flatMap { entry in
                entry.tips.map { (entry.origin, $0) }
            }.first { try !logs.hasApplied($0.1, of: $0.0) }
            return WaitingLog(
                origin: lane.origin, count: lane.waitingCount,
                cause: cause.map { Dot(origin: $0.0, sequence: $0.1.sequence, hash: $0.1.hash) })
        }
    }

    /// How many applied changes of each node don't count, because they lie beyond a cut or rest on an
    /// admission that does.
    package func voidCounts() throws -> [NodeID: Int] {
        let (membership, history) = (try membership(), try history())
        let (casebook, logs) = (try casebook().id, try logs())
        let nodes = membership.nodesThatMayBeVoid
        var counts: [NodeID: Int] = [:]
        for lane in try lanes().lanes where nodes.contains(lane.origin.node) {
            try history.forEachApplied(of: lane) { applicant in
                let standing = try membership.standing(of: applicant, of: casebook, in: logs)
                guard standing == .void else { return }
                counts[lane.origin.node, default: 0] += 1
            }
        }
        return counts
    }

    /// When the last applied change of each branch of a log was made.
    package func newestTimes(of origin: Origin) throws -> [HybridTime] {
        try settleLog()
        return try lanes().branches(of: origin).compactMap { lane in
            try log.change(lane.number, lane.applied.sequence)?.change.time
        }
    }

    /// How many applied changes of a node none of `others` is known to hold.
    package func unsharedCount(of node: NodeID, among others: Set<NodeID>) throws -> Int {
        let heard = try neighbours().filter { others.contains($0.node) }.map(\.heard)
        let logs = try logs()
        return try lanes().lanes.filter { $0.origin.node == node }.reduce(0) { sum, lane in
            let reached =
                try heard.flatMap { $0[lane.origin] }
                .map { try logs.reach(of: $0, in: lane) }.max() ?? lane.fork.sequence
            return sum + Int(clamping: lane.applied.sequence) - Int(clamping: reached)
        }
    }
}

extension Lane {
    var waitingCount: Int { Int(clamping: held.sequence) - Int(clamping: applied.sequence) }
}

extension HeldLogs {
    /// How far whoever holds a tip holds what a lane owns and has applied.
    fileprivate func reach(of tip: Tip, in lane: Lane) throws -> UInt64 {
        guard lanes.hasForked(lane.origin) else { return min(tip.sequence, lane.applied.sequence) }
        var (branch, end) = (try self.lane(of: tip, of: lane.origin), tip.sequence)
        while let number = branch, number != lane.number {
            end = min(end, lanes[number].fork.sequence)
            branch = lanes[number].parent
        }
        guard branch != nil else { return lane.fork.sequence }
        return max(lane.fork.sequence, min(end, lane.applied.sequence))
    }
}
