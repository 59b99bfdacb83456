/// Tells whether one change of an origin comes before another in the same branch.
///
/// Clocks hold tips, and a dot is covered when it is a tip or an ancestor of one. Which changes
/// are ancestors is knowledge about the log, so it is handed in.
package protocol Ancestry {
    /// `Never` where everything is known in advance; a store has to look.
    associatedtype Failure: Error

    /// Whether `dot` is `tip` itself or lies before it in the same branch of `dot.origin`'s log.
    func contains(_ dot: Dot, upTo tip: Tip) throws(Failure) -> Bool
}

/// The ancestry of logs without forks: a lower sequence number is an ancestor.
package struct LinearAncestry: Ancestry {
    package init() {}

    package func contains(_ dot: Dot, upTo tip: Tip) -> Bool {
        dot.sequence < tip.sequence || dot.tip == tip
    }
}

/// A vector clock: for every origin the tips up to which its changes are there without gaps.
///
/// One tip per origin, except where a log forked: then the branches' tips, sorted. Entries are
/// kept sorted by origin so that encodings and digests never depend on hashing order.
package struct Clock: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let origin: Origin
        /// Sorted, never empty, no tip an ancestor of another.
        package let tips: [Tip]

        package init(origin: Origin, tips: [Tip]) {
            precondition(!tips.isEmpty, "an entry without tips has no meaning")
            self.origin = origin
            self.tips = tips.sorted()
        }

        package init(origin: Origin, tip: Tip) {
            self.origin = origin
            self.tips = [tip]
        }
    }

    package private(set) var entries: [Entry] = []

    package init() {}

    /// Makes a clock of entries in any order; a later entry of the same origin wins.
    package init(_ entries: some Sequence<Entry>) {
        for entry in entries { set(entry) }
    }

    /// - Parameter entries: sorted by origin, none twice.
    package init(sorted entries: [Entry]) {
        self.entries = entries
    }

    package var isEmpty: Bool { entries.isEmpty }

    package subscript(origin: Origin) -> [Tip] {
        let index = position(of: origin)
        guard index < entries.count, entries[index].origin == origin else { return [] }
        return entries[index].tips
    }

    /// Replaces what the clock says about one origin.
    package mutating func set(_ entry: Entry) {
        let index = position(of: entry.origin)
        if index < entries.count, entries[index].origin == entry.origin {
            entries[index] = entry
        } else {
            entries.insert(entry, at: index)
        }
    }

    /// Replaces what the clock says about several origins, in one pass over both.
    ///
    /// - Parameter entries: sorted by origin, none twice.
    package mutating func set(sorted entries: [Entry]) {
        guard entries.count > 1 else {
            for entry in entries { set(entry) }
            return
        }
        var merged: [Entry] = []
        merged.reserveCapacity(self.entries.count + entries.count)
        var rest = self.entries[...]
        for entry in entries {
            while let next = rest.first, next.origin < entry.origin {
                merged.append(next)
                rest.removeFirst()
            }
            if rest.first?.origin == entry.origin { rest.removeFirst() }
            merged.append(entry)
        }
        self.entries = merged + rest
    }

    /// Adds a change that follows directly on what the clock holds of its origin.
    ///
    /// The tip it extends is replaced; a change with no such predecessor here opens a branch.
    package mutating func advance(to dot: Dot, after predecessor: Tip?) {
        var tips = self[dot.origin]
        if let predecessor, let index = tips.firstIndex(of: predecessor) {
            tips.remove(at: index)
        }
        if !tips.contains(dot.tip) { tips.append(dot.tip) }
        set(Entry(origin: dot.origin, tips: tips))
    }

    /// Whether the change named by `dot` is among what this clock stands for.
    package func covers<Logs: Ancestry>(
        _ dot: Dot, in ancestry: Logs
    ) throws(Logs.Failure) -> Bool {
        for tip in self[dot.origin] where try ancestry.contains(dot, upTo: tip) { return true }
        return false
    }

    /// Whether everything `other` stands for is here too.
    package func covers<Logs: Ancestry>(
        _ other: Clock, in ancestry: Logs
    ) throws(Logs.Failure) -> Bool {
        for entry in other.entries {
            for tip in entry.tips {
                let dot = Dot(origin: entry.origin, sequence: tip.sequence, hash: tip.hash)
                guard try covers(dot, in: ancestry) else { return false }
            }
        }
        return true
    }

    /// The entries of this clock that differ from `earlier`'s.
    package func entries(movedSince earlier: Clock) -> [Entry] {
        entries.filter { earlier[$0.origin] != $0.tips }
    }

    /// The first position whose origin is not below `origin`.
    private func position(of origin: Origin) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].origin < origin { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
