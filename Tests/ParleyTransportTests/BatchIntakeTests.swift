import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyTransport
import ParleyWire
import Testing

/// The way of batches from a session into the store.
@Suite struct BatchIntakeTests {
    private let casebook = Hashing.digest(Array("casebook".utf8))
    private let other = Hashing.digest(Array("another".utf8))
    private let run = LogRun(
        origin: Origin(node: NodeID(bytes: [UInt8](repeating: 1, count: 32))!, epoch: 1), first: 9,
        hashes: [.zero])

    private func checked(_ runs: [LogRun], count: Int = 2) -> CheckedBatches {
        CheckedBatches(count: count, runs: runs) { .unable }
    }

    private func isIdle(_ intake: inout BatchIntake) -> Bool {
        intake.next(2, orColumns: 0) == nil && intake.nextChecked() == nil
    }

    /// One group is stored, one is checked, and the rest waits.
    @Test func oneGroupIsCheckedWhileAnotherIsStored() throws {
        var intake = BatchIntake()
        for byte: UInt8 in 1...5 { intake.append([byte], casebook) }
        let nextFirst = intake.next(2, orColumns: 0)
        let first = try #require(nextFirst)
        #expect(first.group.batches == [[1], [2]] && first.after == [])
        #expect(isIdle(&intake))
        intake.checked(first.group, checked([run]))
        // What is checked comes first.
        let early = intake.next(2, orColumns: 0)
        #expect(early == nil)
        let nextStoring = intake.nextChecked()
        let storing = try #require(nextStoring)
        #expect(storing.group.batches == [[1], [2]])
        let nextSecond = intake.next(2, orColumns: 0)
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
        let third = intake.next(2, orColumns: 0)
        #expect(third?.group.batches == [[5]] && third?.after == [])
    }

    /// What of a group wasn't checked yet comes next, before what came after it.
    @Test func whatIsLeftOfAGroupComesNext() throws {
        var intake = BatchIntake()
        for byte: UInt8 in 1...5 { intake.append([byte], casebook) }
        let nextFirst = intake.next(4, orColumns: 0)
        let first = try #require(nextFirst)
        #expect(first.group.batches.count == 4)
        intake.checked(first.group, checked([run], count: 2))
        let nextStoring = intake.nextChecked()
        let storing = try #require(nextStoring)
        #expect(storing.group.batches == [[1], [2]])
        intake.stored(storing.group)
        #expect(intake.byteCount == 3)
        let rest = intake.next(4, orColumns: 0)
        #expect(rest?.group.batches == [[3], [4], [5]])
    }

    /// A group is of one casebook, and what ends in another is nothing to it.
    @Test func casebooksAreKeptApart() throws {
        var intake = BatchIntake()
        intake.append([1], casebook)
        intake.append([2], other)
        let nextFirst = intake.next(8, orColumns: 0)
        let first = try #require(nextFirst)
        #expect(first.group.casebook == casebook && first.group.batches == [[1]])
        intake.checked(first.group, checked([run]))
        _ = intake.nextChecked()
        let nextSecond = intake.next(8, orColumns: 0)
        let second = try #require(nextSecond)
        #expect(second.group.casebook == other && second.after == [])
    }

    /// Short logs go together, as far as what they inflate to stays small; what can't be read counts
    /// as large.
    @Test func smallBatchesGoTogether() throws {
        let batches = try (1...6).map { try batch(of: $0) }
        let sizes = try batches.map { try Batch.header(of: $0).columnByteCount(in: $0) }
        var intake = BatchIntake()
        for bytes in batches { intake.append(bytes, casebook) }
        intake.append([7], casebook)
        let fits = sizes[..<5].reduce(0, +)
        for (limit, columns, count) in [
            (2, 0, 2), (2, fits - 1, 4), (2, fits, 5), (2, Int.max / 2, 7), (2, fits * 2, 6),
            (7, 0, 7),
        ] {
            var copy = intake
            let group = copy.next(limit, orColumns: columns)
            #expect(group?.group.batches.count == count, "\(limit), \(columns)")
        }
    }

    /// The founding of a casebook by another node each.
    private func batch(of number: UInt8) throws -> [UInt8] {
        let identity = Identity(privateKey: [UInt8](repeating: number, count: 32))!
        let author = LogAuthor(identity: identity, epoch: 1)
        let text = [UInt8](repeating: number, count: 10 * Int(number))
        let change = Change(
            origin: author.origin, sequence: 1, time: HybridTime(milliseconds: 1_700_000_000_000),
            contextDelta: [], groups: [.reason(text)])
        return try author.run(
            of: [change], casebook: nil, previous: .zero, seed: [UInt8](repeating: 9, count: 16)
        ).bytes
    }
}
