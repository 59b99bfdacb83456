package import ParleyCRDT

/// A law of merging that is checked on *all* small histories: of up to three writers on one record
/// with one register, one set and its state, and two values.
///
/// What is enumerated is every way in which authors can have known of each other's changes
/// (`CausalShape`) times every write each of them can have made. Three things keep that small, and
/// each loses nothing:
/// - Writers are renamed into one canonical form, because dots are only compared for equality and
///   to sort; values likewise, by letting the first change of a register write red.
/// - A cell's content depends on the writes to that cell alone, so one kind of cell is enumerated
///   at a time. The law of whole records and the random histories check exactly that. A change that
///   doesn't write the cell leaves it alone, so histories with fewer changes stand for it; only
///   the state is touched by every edit, and there the touch is one of the possible writes.
/// - `HistoryExplorer` doesn't try orders of arrival, it checks each possible last step.
///
/// A resolution may name any subset of what its author saw, the empty one included.
package struct Law: Sendable, CustomStringConvertible {
    /// What came of checking all histories of a length.
    package struct Outcome: Sendable {
        package var historyCount = 0
        /// In words, the first few.
        package var failures: [String] = []
    }

    package let name: String
    private let body: @Sendable (Int) -> Outcome

    private init(_ name: String, _ body: @escaping @Sendable (Int) -> Outcome) {
        self.name = name
        self.body = body
    }

    package var description: String { name }

    /// Checks every history of so many changes.
    package func check(changes: Int) -> Outcome { body(changes) }

    package static let all: [Law] = meanings + [merging, associativity]

    // MARK: Incremental merging is what the declaration means

    private static let meanings: [Law] = [
        meaning("registers mean their writes and resolutions") { seen, position in
            let values = position == 0 ? [Value.red] : [.red, .blue]
            return values.flatMap { value in
                [.write(value)]
                    + subsets(of: seen[.register(.place)]).map { .resolve($0, to: value) }
            }
        },
        meaning("reopened registers mean their writes") { seen, position in
            [.write(.red), .write(.blue), .write(.red, .blue)]
                + [.resolve(seen[.register(.place)].entries.map(\.dot), to: .red, .blue)]
        },
        meaning("sets mean their writes") { _, _ in
            [.add(.red), .remove(.red), .add(.blue), .remove(.blue)]
        },
        meaning("states mean their writes and resolutions") { seen, _ in
            [.touch, .delete, .restore]
                + subsets(of: seen.state).flatMap { dots in
                    [.resolveState(dots, to: .live), .resolveState(dots, to: .deleted)]
                }
        },
        Law("whole records mean their writes") { changes in
            let plain: [CellWrite] = [
                .write(.red), .write(.blue), .add(.red), .remove(.red), .add(.blue),
                .remove(.blue),
            ]
            let choices = plain.map { [$0, .touch] } + [[.delete], [.restore]]
            return explore(changes) { _, _ in choices }
        },
    ]

    private static func meaning(
        _ name: String, alphabet: @escaping @Sendable (RecordState, Int) -> [CellWrite]
    ) -> Law {
        Law(name) { changes in
            explore(changes) { seen, position in alphabet(seen, position).map { [$0] } }
        }
    }

    private static func explore(
        _ changes: Int, choosing alphabet: @escaping HistoryExplorer.Alphabet
    ) -> Outcome {
        var outcome = Outcome()
        for shape in CausalShape.all(changes: changes) {
            var explorer = HistoryExplorer(shape, alphabet: alphabet)
            explorer.run()
            outcome.historyCount += explorer.historyCount
            outcome.failures += explorer.failures
        }
        return outcome
    }

    /// Every choice among what stands in a cell, the empty one included.
    private static func subsets(of cell: Cell) -> [[Dot]] {
        cell.entries.map(\.dot).reduce([[]]) { subsets, dot in
            subsets + subsets.map { $0 + [dot] }
        }
    }

    // MARK: Merging replicas, clocks included

    // Which writes the changes make hardly matters here - the laws above have them all - so each
    // shape gets a mix of them.

    private static let merging = Law("merging is commutative and idempotent") { changes in
        var outcome = Outcome()
        for replicas in CausalShape.all(changes: changes).map(partialReplicas) {
            outcome.historyCount += 1
            for first in replicas {
                for second in replicas {
                    let merged = first.merged(with: second)
                    let holds =
                        merged == second.merged(with: first)
                        && merged.merged(with: second) == merged
                        && first.merged(with: first) == first
                    if !holds { outcome.failures.append("\(first) with \(second)") }
                }
            }
        }
        return outcome
    }

    private static let associativity = Law("merging is associative") { changes in
        var outcome = Outcome()
        for replicas in CausalShape.all(changes: changes).map(partialReplicas) {
            outcome.historyCount += 1
            for first in replicas {
                for second in replicas {
                    let merged = first.merged(with: second)
                    for third in replicas {
                        let other = first.merged(with: second.merged(with: third))
                        let holds = merged.merged(with: third) == other
                        if !holds { outcome.failures.append("\(first), \(second), \(third)") }
                    }
                }
            }
        }
        return outcome
    }

    /// One replica for every causally closed part of a history.
    private static func partialReplicas(of shape: CausalShape) -> [Replica] {
        let order = CausalOrder(shape)
        let edits = mixedEdits(of: order)
        return order.closedSets.map { set in
            Replica(of: order.members(of: set).map { edits[$0] })
        }
    }

    /// One edit for each change of a history, of every kind.
    package static func mixedEdits(of order: CausalOrder) -> [Edit] {
        let mix: [[CellWrite]] = [
            [.write(.red), .add(.red), .touch], [.write(.blue), .remove(.red), .touch], [.delete],
            [.add(.blue), .touch], [.write(.red), .restore],
        ]
        return order.events.enumerated().map { position, event in
            Edit(dot: event.dot, context: event.context, writes: mix[position % mix.count])
        }
    }
}
