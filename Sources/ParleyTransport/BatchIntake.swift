package import ParleyCRDT
import ParleyWire

/// Batches on their way into the store, in order: one group is checked while the one before it is
/// stored.
package struct BatchIntake {
    /// What is checked together and becomes durable together.
    package struct Group {
        package let casebook: Digest
        fileprivate var parts: [Waiting]

        package var batches: [[UInt8]] { parts.map(\.bytes) }
        fileprivate var byteCount: Int { parts.reduce(0) { $0 + $1.bytes.count } }
    }

    fileprivate struct Waiting {
        let casebook: Digest
        let bytes: [UInt8]
        let columnBytes: Int

        init(_ bytes: [UInt8], _ casebook: Digest) {
            self.casebook = casebook
            self.bytes = bytes
            let header = try? Batch.header(of: bytes)
            columnBytes = header?.columnByteCount(in: bytes) ?? Limits.inflatedBytes
        }
    }

    private var waiting: [Waiting] = []
    private var isChecking = false
    private var checked: (group: Group, batches: CheckedBatches)?
    /// The changes that are being stored.
    private var storing: (casebook: Digest, runs: [LogRun])?
    /// Of what waits and what is under way.
    package private(set) var byteCount = 0

    package init() {}

    package mutating func append(_ bytes: [UInt8], _ casebook: Digest) {
        waiting.append(Waiting(bytes, casebook))
        byteCount += bytes.count
    }

    /// The next batches of one casebook, to be checked, unless others wait for their turn to be stored;
    /// and what came before them that may not be stored yet.
    ///
    /// - Parameters:
    ///   - limit: how many of any size.
    ///   - columnLimit: more than `limit` where the columns of all, inflated, are no more bytes than
    ///     this: a disk takes as long to make sure of one short log as of many. What they make is for
    ///     whoever checks them to bound.
    package mutating func next(
        _ limit: Int, orColumns columnLimit: Int
    ) -> (group: Group, after: [LogRun])? {
        guard !isChecking, checked == nil, let first = waiting.first else { return nil }
        var (count, columnBytes) = (0, 0)
        let run = waiting.prefix { batch in
            count += 1
            columnBytes += batch.columnBytes
            return batch.casebook == first.casebook
                && (count <= limit || columnBytes <= columnLimit)
        }
        waiting.removeFirst(run.count)
        isChecking = true
        return (
            Group(casebook: first.casebook, parts: Array(run)),
            storing?.casebook == first.casebook ? storing?.runs ?? [] : []
        )
    }

    /// The group that `next` gave out was checked, whatever came of it, or the first part of it.
    package mutating func checked(_ group: Group, _ batches: CheckedBatches) {
        precondition(batches.count > 0, "a group comes to an end")
        isChecking = false
        let rest = group.parts.dropFirst(batches.count)
        waiting.insert(contentsOf: rest, at: 0)
        var part = group
        part.parts.removeLast(rest.count)
        checked = (part, batches)
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
