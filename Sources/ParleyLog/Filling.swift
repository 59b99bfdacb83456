import ParleyCRDT
package import ParleyModel
package import ParleyWire

/// Contents that were taken out of changes, put back from a run that has them.
extension Change {
    /// Groups of the same change elsewhere that lack less than they do here.
    package func groupsRicher(in other: Change) -> Set<Int> {
        Set(
            zip(groups, other.groups).enumerated().filter { _, pair in
                pair.1.lacksLess(than: pair.0)
            }.map(\.offset))
    }

    /// The same change with these groups as they are elsewhere.
    fileprivate func taking(_ indexes: Set<Int>, from other: Change) -> Change {
        Change(
            origin: origin, sequence: sequence, time: time, contextDelta: contextDelta,
            groups: groups.enumerated().map { index, group in
                indexes.contains(index) ? other.groups[index] : group
            })
    }
}

extension Group {
    /// Whether this has all that the same group has elsewhere, and more.
    fileprivate func lacksLess(than other: Group) -> Bool {
        switch (content, other.content) {
        case (.stub, _): return false
        case (_, .stub): return true
        case (.operations(_, let own), .operations(_, let others)):
            let pairs = zip(own.flatMap(\.values), others.flatMap(\.values))
            return pairs.contains { !$0.isErased && $1.isErased }
                && !pairs.contains { $0.isErased && !$1.isErased }
        default: return false
        }
    }
}

extension Batch {
    /// The same changes with what others have of them and this lacks, salts listed one by one.
    ///
    /// - Parameter others: the same changes as they are elsewhere, by sequence number.
    package func filled(from others: [UInt64: (change: Change, salts: ChangeSalts)]) -> Batch {
        var filled: [Change] = []
        var listed: [Salt] = []
        for (offset, (change, salts)) in zip(changes, changeSalts).enumerated() {
            let other = others[change.sequence]
            let indexes = other.map { change.groupsRicher(in: $0.change) } ?? []
            let whole = other.map { change.taking(indexes, from: $0.change) } ?? change
            filled.append(whole)
            for index in whole.groups.indices {
                let source = indexes.contains(index) ? other?.salts ?? salts : salts
                listed += whole.listedSalts(offset, of: index, from: source)
            }
        }
        return Batch(
            origin: origin, first: first, previous: previous, signature: signature,
            changes: filled, salts: [.explicit(changes: filled.count, listed)])
    }
}
