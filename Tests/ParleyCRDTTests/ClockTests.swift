import ParleyCRDT
import ParleyHistories
import Testing

struct ClockTests {
    @Test func coversATipAndWhatLiesBeforeIt() {
        let clock = Clock.applied([3])
        #expect(clock.covers(.change(1, by: 0), in: LinearAncestry()))
        #expect(clock.covers(.change(3, by: 0), in: LinearAncestry()))
        #expect(!clock.covers(.change(4, by: 0), in: LinearAncestry()))
        #expect(!clock.covers(.change(1, by: 1), in: LinearAncestry()))
    }

    @Test func doesNotCoverAnotherChangeWithTheTipsNumber() {
        #expect(!Clock.applied([3]).covers(.change(3, by: 0, branch: 1), in: LinearAncestry()))
    }

    @Test func theEmptyClockCoversNothingButItself() {
        #expect(Clock().isEmpty)
        #expect(Clock().covers(Clock(), in: LinearAncestry()))
        #expect(!Clock().covers(.applied([1]), in: LinearAncestry()))
        #expect(Clock.applied([1]).covers(Clock(), in: LinearAncestry()))
    }

    @Test func coversAClockWhereItCoversEveryTip() {
        #expect(Clock.applied([2, 1]).covers(.applied([1, 1]), in: LinearAncestry()))
        #expect(!Clock.applied([2, 1]).covers(.applied([1, 2]), in: LinearAncestry()))
        #expect(!Clock.applied([2]).covers(.applied([1, 1]), in: LinearAncestry()))
    }

    @Test func entriesAreSortedWhateverTheOrderTheyCameIn() {
        let entries = [3, 1, 2].map { writer in
            Clock.Entry(origin: .writer(writer), tip: Dot.change(1, by: writer).tip)
        }
        #expect(Clock(entries).entries.map(\.origin) == [1, 2, 3].map { .writer($0) })
        #expect(Clock(entries) == Clock(entries.reversed()))
    }

    @Test func anEpochIsAWriterOfItsOwn() {
        let earlier = Origin.writer(0, epoch: 1)
        let later = Origin.writer(0, epoch: 2)
        #expect(earlier < later)
        let clock = Clock([Clock.Entry(origin: earlier, tip: Dot.change(9, by: 0).tip)])
        let dot = Dot(origin: later, sequence: 1, hash: HashPrefix(1))
        #expect(!clock.covers(dot, in: LinearAncestry()))
    }

    @Test func advancingReplacesTheTipItExtends() {
        var clock = Clock()
        clock.advance(to: .change(1, by: 0), after: nil)
        clock.advance(to: .change(2, by: 0), after: Dot.change(1, by: 0).tip)
        #expect(clock == .applied([2]))
    }

    @Test func advancingTwiceIsAdvancingOnce() {
        var clock = Clock.applied([1])
        clock.advance(to: .change(2, by: 0), after: Dot.change(1, by: 0).tip)
        clock.advance(to: .change(2, by: 0), after: Dot.change(1, by: 0).tip)
        #expect(clock == .applied([2]))
    }

    @Test func movedEntriesAreThoseThatDiffer() {
        let moved = Clock.applied([2, 1, 1]).entries(movedSince: .applied([1, 1]))
        #expect(moved.map(\.origin) == [.writer(0), .writer(2)])
        #expect(Clock.applied([2]).entries(movedSince: .applied([2])).isEmpty)
    }
}

/// A log that forks after change 1: 1 - 2 - 3 on branch 0 and 1 - 2' - 3' on branch 1.
private struct ForkedAncestry: Ancestry {
    func contains(_ dot: Dot, upTo tip: Tip) -> Bool {
        if dot.tip == tip { return true }
        guard dot.sequence < tip.sequence else { return false }
        return dot.sequence == 1 || branch(of: dot.hash) == branch(of: tip.hash)
    }

    private func branch(of hash: HashPrefix) -> UInt8 {
        UInt8(truncatingIfNeeded: hash.value >> 32)
    }
}

struct ForkedClockTests {
    private var forked: Clock {
        var clock = Clock.applied([3])
        clock.advance(to: .change(2, by: 0, branch: 1), after: Dot.change(1, by: 0).tip)
        return clock
    }

    @Test func aChangeBesideTheTipOpensABranch() {
        let tips = forked[.writer(0)]
        #expect(tips == [Dot.change(2, by: 0, branch: 1).tip, Dot.change(3, by: 0).tip])
    }

    @Test func eachBranchAdvancesAlone() {
        var clock = forked
        clock.advance(
            to: .change(3, by: 0, branch: 1), after: Dot.change(2, by: 0, branch: 1).tip)
        let tips = [Dot.change(3, by: 0).tip, Dot.change(3, by: 0, branch: 1).tip]
        #expect(clock[.writer(0)] == tips.sorted())
    }

    @Test func coversTheAncestorsOfEveryBranch() {
        #expect(forked.covers(.change(1, by: 0), in: ForkedAncestry()))
        #expect(forked.covers(.change(2, by: 0), in: ForkedAncestry()))
        #expect(forked.covers(.change(2, by: 0, branch: 1), in: ForkedAncestry()))
        #expect(!forked.covers(.change(3, by: 0, branch: 1), in: ForkedAncestry()))
        #expect(!Clock.applied([3]).covers(forked, in: ForkedAncestry()))
        #expect(forked.covers(.applied([3]), in: ForkedAncestry()))
    }

    @Test func branchesMergeLikeTwoWritersWhoShareABeginning() {
        let seen = Clock.applied([1])
        let edits = [
            Edit(dot: .change(1, by: 0), context: Clock(), writes: [.write(.of("green"))]),
            Edit(dot: .change(2, by: 0), context: seen, writes: [.write(.red)]),
            Edit(dot: .change(2, by: 0, branch: 1), context: seen, writes: [.write(.blue)]),
        ]
        for order in [[0, 1, 2], [0, 2, 1]] {
            var state = RecordState()
            for index in order { state.apply(edits[index], in: ForkedAncestry()) }
            #expect(state == RecordState.meaning(of: edits, in: ForkedAncestry()))
            #expect(state[.register(.place)].distinctValues == [.blue, .red])
        }
    }
}
