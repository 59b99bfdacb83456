package import ParleyCRDT

/// Who knew of what in a small history, without what the changes did.
///
/// Three writers; a change's context says how many changes of each its author had applied. Every
/// context holds the author's own past and is causally closed.
package struct CausalShape: Hashable {
    package static let writerCount = 3

    /// `contexts[writer][n][other]`: how many changes of `other` change n of `writer` had seen.
    private(set) var contexts: [[[Int]]] = Array(repeating: [], count: writerCount)

    /// Every shape with that many changes, one of each set that renaming writers turns into
    /// each other.
    ///
    /// Grown by adding a change that nobody has seen yet: every history has such a last change,
    /// so none is missed.
    package static func all(changes: Int) -> [CausalShape] {
        var shapes: Set = [CausalShape()]
        for _ in 0..<changes {
            shapes = Set(shapes.flatMap(\.grown).map(\.canonical))
        }
        return shapes.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    /// The shapes with one more change, by any writer who has seen any closed set.
    private var grown: [CausalShape] {
        (0..<CausalShape.writerCount).flatMap { writer in
            closedContexts.filter { $0[writer] == contexts[writer].count }.map { context in
                var shape = self
                shape.contexts[writer].append(context)
                return shape
            }
        }
    }

    private var closedContexts: [[Int]] {
        let ranges = contexts.map { 0...$0.count }
        let all = ranges[0].flatMap { a in ranges[1].flatMap { b in ranges[2].map { [a, b, $0] } } }
        return all.filter { context in
            contexts.indices.allSatisfy { writer in
                contexts[writer].prefix(context[writer]).allSatisfy { seen in
                    zip(seen, context).allSatisfy { $0 <= $1 }
                }
            }
        }
    }

    /// The least of the six renamings.
    private var canonical: CausalShape {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        let renamed = orders.map { order in
            var shape = CausalShape()
            shape.contexts = order.map { writer in
                contexts[writer].map { context in order.map { context[$0] } }
            }
            return shape
        }
        return renamed.min { $0.key.lexicographicallyPrecedes($1.key) }!
    }

    private var key: [Int] {
        contexts.map(\.count) + contexts.flatMap { $0.flatMap { $0 } }
    }
}

/// A shape's changes in one causal order, with sets of changes as bit masks.
package struct CausalOrder {
    package struct Event {
        package let dot: Dot
        package let context: Clock
        /// The changes its author had applied.
        package let past: Int
    }

    package let events: [Event]

    package init(_ shape: CausalShape) {
        let names = shape.contexts.indices.flatMap { writer in
            shape.contexts[writer].indices.map { (writer: writer, index: $0) }
        }
        func context(_ name: (writer: Int, index: Int)) -> [Int] {
            shape.contexts[name.writer][name.index]
        }
        let ordered = names.sorted { context($0).reduce(0, +) < context($1).reduce(0, +) }
        events = ordered.map { name in
            let past = ordered.indices.reduce(0) { mask, position in
                let other = ordered[position]
                return other.index < context(name)[other.writer] ? mask | 1 << position : mask
            }
            return Event(
                dot: .change(UInt64(name.index + 1), by: name.writer),
                context: .applied(context(name)), past: past)
        }
    }

    /// All changes.
    package var everything: Int { 1 << events.count - 1 }

    /// The causally closed sets of changes, in an order in which none comes before its subsets.
    package var closedSets: [Int] {
        (0...everything).filter { set in
            members(of: set).allSatisfy { events[$0].past & ~set == 0 }
        }
    }

    package func members(of set: Int) -> [Int] {
        events.indices.filter { set & 1 << $0 != 0 }
    }

    /// The changes of a closed set that nobody in it has seen: any of them may have come last.
    package func last(of set: Int) -> [Int] {
        members(of: set).filter { candidate in
            members(of: set).allSatisfy { events[$0].past & 1 << candidate == 0 }
        }
    }
}
