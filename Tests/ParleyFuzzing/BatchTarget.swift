import ParleyModel
import ParleyWire

/// A batch decodes or is refused; what decodes is a run of changes within the limits.
///
/// An input is a batch. What is written again of it is `RoundTripTarget`'s.
package struct BatchTarget: FuzzTarget {
    package static let name = "batch"

    package init() {}

    package func run(_ input: [UInt8]) throws {
        let header = try? Batch.header(of: input)
        let decoded = try? Batch.decode(input)
        guard let batch = decoded else { return }
        try expect(header?.origin == batch.origin, "the header names the origin")
        try expect(header?.first == batch.first, "the header names the first change")
        try expect(header?.last == batch.last, "the header names the last change")
        try expect(header?.previous == batch.previous, "the header names the predecessor")
        try expect(header?.signature == batch.signature, "the header has the signature")
        try expect(batch.changes.count <= Limits.changesPerBatch, "changes are bounded")
        try expect(
            batch.salts.reduce(0) { $0 + $1.changes } == batch.changes.count,
            "salts cover all changes")
        var byteCount = 0
        for (index, change) in batch.changes.enumerated() {
            try expect(
                change.origin == batch.origin && change.sequence == batch.first + UInt64(index),
                "changes follow each other")
            byteCount += change.byteCount
            try expect(change.byteCount <= Limits.changeBytes, "the size of a change is bounded")
            try expect(change.groups.count <= Limits.groupsPerChange, "groups are bounded")
        }
        try expect(byteCount <= Limits.expandedBytesPerBatch, "sizes together are bounded")
        // Which part is read follows from the input.
        let first = Int(input[input.count / 2]) % batch.changes.count
        let last = min(first + Int(input[input.count / 3]) % 8, batch.changes.count - 1)
        let part = try? Batch.part(
            batch.first + UInt64(first)...batch.first + UInt64(last), of: input)
        try expect(
            part?.changes == Array(batch.changes[first...last])
                && part?.contextDeltas == batch.changes.map(\.contextDelta),
            "a part is what the whole has")
    }
}
