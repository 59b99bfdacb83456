package import ParleyCRDT

/// A node reduced to what merging is about: the edits it has applied, the clock that claims them,
/// and the record they amount to.
package struct Replica: Hashable {
    package private(set) var clock = Clock()
    package private(set) var state = RecordState()
    /// By dot, so that two replicas with the same edits are equal.
    package private(set) var edits: [Dot: Edit] = [:]

    package init() {}

    /// A replica that has applied these, in an order in which causes come first.
    package init(of edits: [Edit]) {
        for edit in edits { apply(edit) }
    }

    /// Whether the edit is new here and everything it rests on isn't.
    package func accepts(_ edit: Edit) -> Bool {
        !clock.covers(edit.dot, in: LinearAncestry())
            && clock.covers(edit.context, in: LinearAncestry())
    }

    package mutating func apply(_ edit: Edit) {
        precondition(accepts(edit), "edits arrive in causal order, once")
        clock.advance(to: edit.dot, after: clock[edit.dot.origin].first)
        state.apply(edit, in: LinearAncestry())
        edits[edit.dot] = edit
    }

    /// Takes over what the other has and this one lacks, as soon as its causes are there.
    package func merged(with other: Replica) -> Replica {
        var result = self
        var waiting = other.edits.values.filter { !clock.covers($0.dot, in: LinearAncestry()) }
        waiting.sort { $0.dot < $1.dot }
        while let next = waiting.firstIndex(where: result.accepts) {
            result.apply(waiting.remove(at: next))
        }
        precondition(waiting.isEmpty, "a replica holds nothing without its causes")
        return result
    }
}
