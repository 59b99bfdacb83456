import Foundation
import ParleyCRDT
import Testing

/// The laws of merging on *all* small histories: up to five changes of up to three writers on one
/// record with one register, one set and its state, and two values.
///
/// What is enumerated is every way in which authors can have known of each other's changes
/// (`CausalShape`) times every write each of them can have made. Three things keep that small, and
/// each loses nothing:
/// - Writers are renamed into one canonical form, because dots are only compared for equality and
///   to sort; values likewise, by letting the first change of a register write red.
/// - A cell's content depends on the writes to that cell alone, so one kind of cell is enumerated
///   at a time. `fieldsKeepApart` and the random histories check exactly that. A change that
///   doesn't write the cell leaves it alone, so histories with fewer changes stand for it; only
///   the state is touched by every edit, and there the touch is one of the possible writes.
/// - `HistoryExplorer` doesn't try orders of arrival, it checks each possible last step.
///
/// A resolution may name any subset of what its author saw, the empty one included. With five
/// changes that is complete for registers, except that values then alternate instead of taking all
/// combinations (registers drop by dot, never by value), and that resolutions of the state stop at
/// four changes: about 440,000 histories, half a minute in a debug build. `PARLEY_THOROUGH=1 swift
/// test -c release` lifts both: 11,600,000 histories, a minute of processor time.
struct AllHistoriesTests {
    static let isThorough = ProcessInfo.processInfo.environment["PARLEY_THOROUGH"] == "1"

    @Test(arguments: 1...5)
    func registersMeanTheirWrites(changes: Int) {
        let alternates = changes == 5 && !AllHistoriesTests.isThorough
        var turn = false
        explore("register, with resolutions", changes) { seen, position in
            turn.toggle()
            let both = position == 0 ? [Value.red] : [.red, .blue]
            let values = alternates ? [turn ? both[0] : both[both.count - 1]] : both
            return values.flatMap { value in
                [.write(value)]
                    + subsets(of: seen[.register(.place)]).map { .resolve($0, to: value) }
            }
        }
    }

    @Test(arguments: 1...4)
    func reopenedRegistersMeanTheirWrites(changes: Int) {
        explore("register, with value lists", changes) { seen, position in
            [.write(.red), .write(.blue), .write(.red, .blue)]
                + [.resolve(seen[.register(.place)].entries.map(\.dot), to: .red, .blue)]
        }
    }

    @Test func plainRegistersMeanTheirWritesWithAllValues() {
        explore("register, writes only", 5) { _, position in
            position == 0 ? [.write(.red)] : [.write(.red), .write(.blue)]
        }
    }

    @Test(arguments: 1...5)
    func setElementsMeanTheirWrites(changes: Int) {
        explore("set, one element", changes) { _, _ in [.add(.red), .remove(.red)] }
    }

    @Test(arguments: 1...4)
    func setsMeanTheirWrites(changes: Int) {
        explore("set, two elements", changes) { _, _ in
            [.add(.red), .remove(.red), .add(.blue), .remove(.blue)]
        }
    }

    @Test(arguments: 1...5)
    func statesMeanTheirWrites(changes: Int) {
        explore("state", changes) { _, _ in [.touch, .delete, .restore] }
    }

    @Test(arguments: 1...(isThorough ? 5 : 4))
    func resolvedStatesMeanTheirWrites(changes: Int) {
        explore("state, with resolutions", changes) { seen, _ in
            [.touch, .delete, .restore]
                + subsets(of: seen.state).flatMap { dots in
                    [.resolveState(dots, to: .live), .resolveState(dots, to: .deleted)]
                }
        }
    }

    @Test(arguments: 1...3)
    func fieldsKeepApart(changes: Int) {
        let plain: [CellWrite] = [
            .write(.red), .write(.blue), .add(.red), .remove(.red), .add(.blue), .remove(.blue),
        ]
        let choices = plain.map { [$0, .touch] } + [[.delete], [.restore]]
        explore("record", changes, choosing: { _, _ in choices })
    }

    private func explore(
        _ name: String, _ changes: Int, alphabet: @escaping (RecordState, Int) -> [CellWrite]
    ) {
        explore(
            name, changes, choosing: { seen, position in alphabet(seen, position).map { [$0] } })
    }

    private func explore(
        _ name: String, _ changes: Int, choosing alphabet: @escaping HistoryExplorer.Alphabet
    ) {
        var count = 0
        for shape in CausalShape.all(changes: changes) {
            var explorer = HistoryExplorer(shape, alphabet: alphabet)
            explorer.run()
            count += explorer.historyCount
        }
        print("\(count) histories of \(changes) changes: \(name)")
        #expect(count > 0)
    }
}

struct CausalShapeTests {
    /// Counted independently by a script that shares no code with this one.
    @Test func thereAreThisManyShapes() {
        #expect((0...5).map { CausalShape.all(changes: $0).count } == [1, 1, 3, 12, 58, 339])
    }

    @Test func contextsAreCausallyClosed() {
        for shape in CausalShape.all(changes: 4) {
            let order = CausalOrder(shape)
            for event in order.events {
                let isClosed = order.members(of: event.past).allSatisfy {
                    order.events[$0].past & ~event.past == 0
                }
                #expect(isClosed)
            }
        }
    }
}

/// Every choice among what stands in a cell, the empty one included.
private func subsets(of cell: Cell) -> [[Dot]] {
    cell.entries.map(\.dot).reduce([[]]) { subsets, dot in subsets + subsets.map { $0 + [dot] } }
}
