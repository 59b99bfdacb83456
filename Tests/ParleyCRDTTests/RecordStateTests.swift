import ParleyCRDT
import ParleyHistories
import Testing

/// Two or three analysts, one record: each rule of merging as a small story.
struct RecordStateTests {
    /// A record that writer 0 created, with what everybody has applied of it.
    private func created(_ writes: CellWrite...) -> [Edit] {
        [edit(1, by: 0, knowing: [], writes + [.touch])]
    }

    private func edit(
        _ sequence: UInt64, by writer: Int, knowing counts: [Int], _ writes: [CellWrite]
    ) -> Edit {
        Edit(
            dot: .change(sequence, by: writer), context: .applied(counts),
            writes: writes)
    }

    /// The state after the edits in the given order, which the definition must confirm.
    private func state(after edits: [Edit]) -> RecordState {
        let state = edits.reduce(RecordState()) { $0.applying($1) }
        #expect(state == RecordState.meaning(of: edits, in: LinearAncestry()))
        return state
    }

    @Test func aLaterWriteReplacesWhatItsAuthorSaw() {
        let edits = created(.write(.red)) + [edit(1, by: 1, knowing: [1], [.write(.blue), .touch])]
        #expect(state(after: edits)[.register(.place)].distinctValues == [.blue])
    }

    @Test func writesApartConflictAndBothStay() {
        let edits =
            created(.write(.of("green"))) + [
                edit(1, by: 1, knowing: [1], [.write(.red), .touch]),
                edit(1, by: 2, knowing: [1], [.write(.blue), .touch]),
            ]
        let merged = state(after: edits)
        #expect(merged[.register(.place)].distinctValues == [.blue, .red])
        #expect(merged.conflictingFields == [.place])
        #expect(merged.isLive)
    }

    @Test func unsettingARegisterLeavesAbsent() {
        let edits =
            created(.write(.red)) + [edit(2, by: 0, knowing: [1], [.write(.absent), .touch])]
        #expect(state(after: edits)[.register(.place)].distinctValues == [.absent])
    }

    @Test func addWinsOverARemoveThatHadNotSeenIt() {
        let edits =
            created(.add(.red)) + [
                edit(1, by: 1, knowing: [1], [.remove(.red), .touch]),
                edit(1, by: 2, knowing: [1], [.add(.red), .touch]),
            ]
        #expect(state(after: edits)[.element(.tags, .red)].distinctValues == [.present])
    }

    @Test func aRemoveThatSawEveryAddRemoves() {
        let edits = created(.add(.red)) + [edit(1, by: 1, knowing: [1], [.remove(.red), .touch])]
        #expect(state(after: edits).sets.isEmpty)
    }

    @Test func differentElementsNeverConflict() {
        let edits =
            created() + [
                edit(1, by: 1, knowing: [1], [.add(.red), .touch]),
                edit(1, by: 2, knowing: [1], [.add(.blue), .touch]),
            ]
        let merged = state(after: edits)
        #expect(merged.sets.map(\.content.values) == [[.blue, .red]])
        #expect(merged.conflictingFields.isEmpty)
    }

    @Test func fieldsAreSortedByName() {
        let names = ["zeta", "alpha", "mid"].map { FieldName($0)! }
        let merged = state(after: [
            edit(1, by: 0, knowing: [], names.map { .write(.red, to: $0) } + [.touch]),
            edit(2, by: 0, knowing: [1], names.map { .add(.red, to: $0) } + [.touch]),
        ])
        #expect(merged.registers.map(\.name.text) == ["alpha", "mid", "zeta"])
        #expect(merged.sets.map(\.name.text) == ["alpha", "mid", "zeta"])
    }
}

extension RecordStateTests {
    @Test func editAgainstDeleteKeepsBothAndListsTheRecord() {
        let edits =
            created(.write(.red)) + [
                edit(1, by: 1, knowing: [1], [.delete]),
                edit(1, by: 2, knowing: [1], [.write(.blue), .touch]),
            ]
        let merged = state(after: edits)
        #expect(merged.state.distinctValues == [.live, .deleted])
        #expect(merged.isLive)
        #expect(merged.state.isConflict)
        #expect(merged[.register(.place)].distinctValues == [.blue])
    }

    @Test func furtherEditsDoNotSettleEditAgainstDelete() {
        let edits =
            created(.write(.red)) + [
                edit(1, by: 1, knowing: [1], [.delete]),
                edit(1, by: 2, knowing: [1], [.write(.blue), .touch]),
                edit(2, by: 2, knowing: [1, 1, 1], [.write(.red), .touch]),
            ]
        let merged = state(after: edits)
        #expect(merged.state.distinctValues == [.live, .deleted])
        #expect(merged.state.entries.count == 2, "the touch replaced the touch it saw")
    }

    @Test func aPlainDeleteHidesAndARestoreBringsBack() {
        let deleted = created(.write(.red)) + [edit(1, by: 1, knowing: [1], [.delete])]
        #expect(!state(after: deleted).isLive)
        #expect(state(after: deleted).state.distinctValues == [.deleted])
        let restored = deleted + [edit(2, by: 0, knowing: [1, 1], [.restore])]
        #expect(state(after: restored).state.distinctValues == [.live])
        #expect(state(after: restored)[.register(.place)].distinctValues == [.red])
    }

    @Test func resolvingTheStateDropsWhatItNames() {
        let edits =
            created() + [
                edit(1, by: 1, knowing: [1], [.delete]),
                edit(1, by: 2, knowing: [1], [.touch]),
                edit(
                    2, by: 0, knowing: [1, 1, 1],
                    [.resolveState([.change(1, by: 1), .change(1, by: 2)], to: .deleted)]),
            ]
        #expect(state(after: edits).state.distinctValues == [.deleted])
    }
}

extension RecordStateTests {
    /// Red by 1 and blue by 2, who had not seen each other.
    private var conflict: [Edit] {
        created() + [
            edit(1, by: 1, knowing: [1], [.write(.red), .touch]),
            edit(1, by: 2, knowing: [1], [.write(.blue), .touch]),
        ]
    }

    private var both: [Dot] { [.change(1, by: 1), .change(1, by: 2)] }

    private func place(after edits: [Edit]) -> Cell {
        state(after: edits)[.register(.place)]
    }

    @Test func aResolutionDropsExactlyWhatItNames() {
        let partial = edit(
            2, by: 0, knowing: [1, 1, 1], [.resolve([both[0]], to: .of("green")), .touch])
        #expect(place(after: conflict + [partial]).distinctValues == [.blue, .of("green")])
    }

    @Test func aValueThatArrivedMeanwhileStays() {
        let late = edit(1, by: 3, knowing: [1], [.write(.of("late")), .touch])
        let resolution = edit(
            2, by: 0, knowing: [1, 1, 1, 1], [.resolve(both, to: .red), .touch])
        #expect(place(after: conflict + [late, resolution]).distinctValues == [.of("late"), .red])
    }

    @Test func equalResolutionsCollapse() {
        let resolutions = [
            edit(2, by: 1, knowing: [1, 1, 1], [.resolve(both, to: .red), .touch]),
            edit(2, by: 2, knowing: [1, 1, 1], [.resolve(both, to: .red), .touch]),
        ]
        let settled = place(after: conflict + resolutions)
        #expect(settled.distinctValues == [.red])
        #expect(!settled.isConflict)
    }

    @Test func differentResolutionsAreOneNewConflict() {
        let resolutions = [
            edit(2, by: 1, knowing: [1, 1, 1], [.resolve(both, to: .red), .touch]),
            edit(2, by: 2, knowing: [1, 1, 1], [.resolve(both, to: .of("green")), .touch]),
        ]
        let settled = place(after: conflict + resolutions)
        #expect(settled.distinctValues == [.of("green"), .red])
        #expect(settled.entries.map(\.dot) == [.change(2, by: 1), .change(2, by: 2)])
    }

    @Test func reopeningPutsSeveralValuesBackUnderOneDot() {
        let resolution = edit(2, by: 1, knowing: [1, 1, 1], [.resolve(both, to: .red), .touch])
        let reopening = edit(
            2, by: 0, knowing: [1, 2, 1],
            [.resolve([.change(2, by: 1)], to: .blue, .red), .touch])
        let reopened = place(after: conflict + [resolution, reopening])
        #expect(reopened.isConflict)
        #expect(reopened.entries.map(\.dot) == [.change(2, by: 0), .change(2, by: 0)])
        let settled = edit(
            3, by: 1, knowing: [2, 2, 1], [.resolve([.change(2, by: 0)], to: .blue)])
        #expect(
            place(after: conflict + [resolution, reopening, settled]).distinctValues == [.blue])
    }

    /// Found by `RandomHistoryTests`: such a resolution used to drop the value where it arrived
    /// second and to leave it standing where it arrived first.
    @Test func aResolutionCannotDropWhatItsAuthorHadNotApplied() {
        let blind = edit(2, by: 0, knowing: [1, 1], [.resolve(both, to: .of("green")), .touch])
        let early = [conflict[0], conflict[1], blind, conflict[2]]
        #expect(place(after: early).distinctValues == [.blue, .of("green")])
        #expect(state(after: early) == state(after: conflict + [blind]))
    }
}
