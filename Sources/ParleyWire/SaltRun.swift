/// Where the salts of a run of changes come from. They travel outside the hash, so that an erasure
/// can take a seed away and leave the salts of what stays.
package enum SaltRun: Hashable, Sendable {
    package static let seedBytes = 16

    /// All salts of `changes` changes follow from this seed of 16 bytes.
    case seed(changes: Int, [UInt8])
    /// Only these are left, sorted by change, group and slot.
    case explicit(changes: Int, [Salt])

    package var changes: Int {
        switch self {
        case .seed(let changes, _), .explicit(let changes, _): changes
        }
    }
}

/// One salt, by its place.
package struct Salt: Hashable, Sendable {
    package static let byteCount = 16

    /// Offset of the change in its run.
    package let change: Int
    /// Index of the group in its change.
    package let group: Int
    /// 0 for the group's own salt, else 1 + the value's index counted through the group.
    package let slot: Int
    package let bytes: [UInt8]

    package init(change: Int, group: Int, slot: Int, bytes: [UInt8]) {
        precondition(bytes.count == Salt.byteCount)
        self.change = change
        self.group = group
        self.slot = slot
        self.bytes = bytes
    }

    /// Where it belongs, for sorting.
    var place: (Int, Int, Int) { (change, group, slot) }
}
