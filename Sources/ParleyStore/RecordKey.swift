import ParleyCRDT

/// A creation dot packed into SQLite's row number: local lane number, sequence number and the
/// group's index. A reference in a log *is* the key, so no index by dot is needed.
struct RecordKey: Hashable, Comparable, Sendable {
    static let maximumLane = (1 << 15) - 1
    static let maximumSequence: UInt64 = (1 << 36) - 1
    static let maximumGroup = (1 << 12) - 1

    let packed: Int64

    init(packed: Int64) {
        self.packed = packed
    }

    init(lane: Int, sequence: UInt64, group: Int = 0) {
        precondition(
            lane <= RecordKey.maximumLane && sequence <= RecordKey.maximumSequence
                && group <= RecordKey.maximumGroup, "checked where logs come in")
        packed = Int64(lane) << 48 | Int64(sequence) << 12 | Int64(group)
    }

    /// A key as the columns of a row name it, beginning with one.
    ///
    /// - Throws: `damaged` where there can't be such a key.
    init(_ row: Query, at column: Int32, hasGroup: Bool = false) throws {
        let (lane, sequence) = (row.int(column), row.word(column + 1))
        let group = hasGroup ? row.int(column + 2) : 0
        guard (0...RecordKey.maximumLane).contains(lane), sequence <= RecordKey.maximumSequence,
            (0...RecordKey.maximumGroup).contains(group)
        else { throw StoreError.damaged("a change's name") }
        self.init(lane: lane, sequence: sequence, group: group)
    }

    var lane: Int { Int(packed >> 48) }
    var sequence: UInt64 { UInt64(bitPattern: packed >> 12) & RecordKey.maximumSequence }
    var group: Int { Int(packed) & RecordKey.maximumGroup }

    static func < (left: RecordKey, right: RecordKey) -> Bool { left.packed < right.packed }
}
