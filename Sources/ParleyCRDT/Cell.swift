/// The smallest mergeable thing: the values whose authors had not seen each other's.
///
/// A cell is a function of the *set* of writes that count: those not dropped by another write that
/// counts. Delivery in causal order makes that incremental, because whatever a write drops is
/// already here when it arrives; the law tests hold the two against each other.
package struct Cell: Hashable, Sendable {
    package struct Entry: Hashable, Comparable, Sendable {
        /// The change that wrote the value.
        package let dot: Dot
        package let value: Value

        package init(dot: Dot, value: Value) {
            self.dot = dot
            self.value = value
        }

        package static func < (left: Entry, right: Entry) -> Bool {
            left.dot == right.dot ? left.value < right.value : left.dot < right.dot
        }
    }

    /// Sorted by dot, then value; no entry twice.
    package private(set) var entries: [Entry]

    package init(_ entries: [Entry] = []) {
        self.entries = entries.count < 2 ? entries : Array(Set(entries)).sorted()
    }

    package var isEmpty: Bool { entries.isEmpty }

    /// The values without repeats, sorted. Equal values never conflict.
    package var distinctValues: [Value] {
        entries.count == 1 ? [entries[0].value] : Array(Set(entries.map(\.value))).sorted()
    }

    /// Whether somebody has to choose. Among values that are erased there is nothing to choose.
    package var isConflict: Bool {
        guard let first = entries.first else { return false }
        return entries.contains { $0.value.differs(from: first.value) }
    }

    /// Writes `values` under one dot after dropping what the write has replaced.
    package mutating func write<Failure: Error>(
        _ values: [Value], dot: Dot, dropping drops: (Entry) throws(Failure) -> Bool
    ) throws(Failure) {
        var kept: [Entry] = []
        for entry in entries where try !drops(entry) { kept.append(entry) }
        entries = kept
        guard !values.isEmpty else { return }
        entries.append(contentsOf: values.map { Entry(dot: dot, value: $0) })
        if entries.count > 1 { entries = Array(Set(entries)).sorted() }
        #if DEBUG
            if PlantedDefect.lastWriteWins.isPlanted { entries = Array(entries.suffix(1)) }
        #endif
    }
}
