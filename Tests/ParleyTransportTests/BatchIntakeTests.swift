import ParleyCRDT
import ParleyLog
import ParleyTransport
import Testing

/// The way of batches from a session into the store.
@Suite struct BatchIntakeTests {
    private let casebook = Hashing.digest(Array("casebook".utf8))
    private let other = Hashing.digest(Array("another".utf8))
    private let run = LogRun(
        origin: Origin(node: NodeID(bytes: [UInt8](repeating: 1, count: 32))!, epoch: 1), first: 9,
        hashes: [.zero])

    private func checked(_ runs: [LogRun]) -> CheckedBatches {
        CheckedBatches(runs: runs) { .unable }
    }

    private func isIdle(_ intake: inout BatchIntake) -> Bool {
        intake.next(2) == nil && intake.nextChecked() == nil
    }

    /// One group is stored, one is checked, and the rest waits.
    @Test func oneGroupIsCheckedWhileAnotherIsStored() throws {
        var intake = BatchIntake()
        for byte: UInt8 in 1...5 { intake.append([byte], casebook) }
        let nextFirst = intake.next(2)
        let first = try #require(nextFirst)
        #expect(first.group.batches == [[1], [2]] && first.after == [])
        #expect(isIdle(&intake))
        intake.checked(first.group, checked([run]))
        // What is checked comes first.
        let early = intake.next(2)
        #expect(early == nil)
        let nextStoring = intake.nextChecked()
        let storing = try #require(nextStoring)
        #expect(storing.group.batches == [[1], [2]])
        let nextSecond = intake.next(2)
        let second = try #require(nextSecond)
        #expect(second.group.batches == [[3], [4]] && second.after == [run])
        intake.checked(second.group, checked([]))
        #expect(isIdle(&intake))
        #expect(intake.byteCount == 5)
        intake.stored(storing.group)
        #expect(intake.byteCount == 3)
        let last = intake.nextChecked()
        #expect(last?.group.batches == [[3], [4]])
        intake.stored(second.group)
        // What is stored is found there.
        let third = intake.next(2)
        #expect(third?.group.batches == [[5]] && third?.after == [])
    }

    /// A group is of one casebook, and what ends in another is nothing to it.
    @Test func casebooksAreKeptApart() throws {
        var intake = BatchIntake()
        intake.append([1], casebook)
        intake.append([2], other)
        let nextFirst = intake.next(8)
        let first = try #require(nextFirst)
        #expect(first.group.casebook == casebook && first.group.batches == [[1]])
        intake.checked(first.group, checked([run]))
        _ = intake.nextChecked()
        let nextSecond = intake.next(8)
        let second = try #require(nextSecond)
        #expect(second.group.casebook == other && second.after == [])
    }
}
