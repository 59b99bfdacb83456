import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTestSupport
import ParleyWire
import Testing

/// Which batches go to a peer, in which order, and what becomes of batches that overlap.
@Suite struct SendingTests {
    private func nothing(of node: TestNode) -> PeerLog {
        PeerLog(origin: node.store.origin, tips: [])
    }

    @Test func membershipGoesFirstThenWhatIsOldest() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        boris.world.advance(milliseconds: 50_000)
        try await boris.create("exchange", write("title", "late"))
        carla.world.advance(milliseconds: 20_000)
        try await carla.create("exchange", write("title", "early"))
        try await anna.pull(from: boris)
        try await anna.pull(from: carla)
        var logs = [boris, anna, carla].map(nothing)
        var order: [Origin] = []
        while !logs.isEmpty {
            let read = try await anna.store.batches(for: logs, byteLimit: 1)
            let origin = try #require(read.batches.first?.origin)
            order.append(origin)
            logs.removeAll { $0.origin == origin }
        }
        #expect(order == [anna, carla, boris].map(\.store.origin))
        // Beyond the last admission a coordinator's log is like any other.
        let last = try #require(anna.store.appliedClock[anna.store.origin].last?.sequence)
        anna.world.advance(milliseconds: 90_000)
        try await anna.create("exchange", write("title", "latest"))
        let read = try await anna.store.batches(
            for: [
                nothing(of: carla), try await anna.store.log(of: anna.store.origin, until: last),
            ], byteLimit: .max)
        #expect(read.batches.first?.origin == carla.store.origin)
        // What takes something back goes first as well.
        let gone = try await #require(anna.create("person", write("name", "a")).recordIDs[0])
        try await anna.erase(gone)
        let again = try await anna.store.batches(
            for: [
                nothing(of: carla), try await anna.store.log(of: anna.store.origin, until: last),
            ], byteLimit: .max)
        #expect(again.batches.first?.origin == anna.store.origin)
    }

    /// Short logs go out together, each in its turn and whole before the next one begins, as far as
    /// there is room; packing keeps them apart.
    @Test func severalLogsAreReadAtOnce() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        for (node, pause) in [(boris, 50_000), (carla, 20_000)] {
            node.world.advance(milliseconds: UInt64(pause))
            for number in 1...3 { try await node.create("note", write("title", "\(number)")) }
            try await anna.pull(from: node)
        }
        let logs = [boris, anna, carla].map(nothing)
        let all = try await anna.store.batches(for: logs, byteLimit: .max).batches
        let founding = all.prefix { $0.origin == anna.store.origin }.count
        #expect(founding > 0)
        let expected = [(carla, 1), (carla, 2), (carla, 3), (boris, 1), (boris, 2), (boris, 3)]
        #expect(
            all[founding...].map { "\($0.origin) \($0.first)" }
                == expected.map { "\($0.0.store.origin) \($0.1)" })
        // A limit ends the read where it is reached, be it within a log or between two.
        for count in 1...all.count {
            let limit = all[..<count].reduce(0) { $0 + $1.bytes.count }
            for (bytes, part) in [(limit, count), (limit - 1, max(count - 1, 1))] {
                let read = try await anna.store.batches(for: logs, byteLimit: bytes)
                #expect(read.batches == Array(all[..<part]))
            }
        }
        let packed = StoredBatch.packing(all)
        #expect(packed.map(\.origin) == [anna, carla, boris].map(\.store.origin))
        #expect(packed.dropFirst().map(\.last) == [3, 3])
        // What follows on a log's first run by its number alone isn't taken for its next.
        let apart = StoredBatch.packing([all[founding], all[founding + 4]])
        #expect(apart.map(\.first) == [1, 2])
    }

    /// Many changes of one transaction go into as few batches as may be: 1,024 to a batch where they are
    /// small, with the two seeds that their salts follow from, and fewer where they are large.
    @Test(arguments: [(40, [1_024, 376]), (900, [])])
    func manyChangesFillBatches(length: Int, counts: [Int]) async throws {
        let anna = try await TestNode.founder()
        let before = anna.store.head(of: anna.store.origin).last
        var random = SeededGenerator(seed: 1)
        let texts = (0..<1_400).map { _ in
            String((0..<length).map { _ in Character(UnicodeScalar(UInt8(33 + random.below(90)))) })
        }
        let made = try await anna.store.write { scope in
            for text in texts.dropLast() {
                _ = try scope.append([.creation(type: name("exchange"), [write("title", text)])])
            }
            return try scope.append([
                .creation(type: name("exchange"), [write("title", texts[1_399])])
            ])
        }
        let runs = try await anna.store.batches(
            of: anna.store.origin, after: before, byteLimit: .max)
        let batches = try runs.map { try Batch.decode($0.bytes) }
        #expect(batches.reduce(0) { $0 + $1.changes.count } == 1_400)
        #expect(counts.isEmpty || batches.map(\.changes.count) == counts)
        #expect(batches.count <= 12)
        // The seed of the founding change covers the first of these, and none more than 1,024.
        #expect(batches[0].salts.count == (counts.isEmpty ? 1 : 2))
        let boris = try await anna.admitting("boris", seed: 2)
        #expect(try await boris.digest() == anna.digest())
        try await anna.erase(#require(made.recordIDs[0]))
        try await boris.pull(from: anna)
        for node in [anna, boris] {
            #expect(try await node.store.finishErasures())
            #expect(try await node.store.audit().findings == [])
        }
    }

    /// What the end of a run waits for may have been lost with its author's machine: who has the
    /// beginning must still be able to pass it on.
    @Test func aRunAppliedInPartGoesOutWhole() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let dora = try await anna.admitting("dora", seed: 4)
        for node in [boris, carla] { try await node.pull(from: anna) }
        try await boris.create("note", write("title", "beginning"))
        let id = try await #require(
            dora.create("note", write("title", "only here")).recordIDs[0])
        try await boris.pull(from: dora)
        try await boris.edit(id, write("title", "end"))
        try await boris.store.seal(minimumRuns: 2)
        let origin = boris.store.origin
        try await carla.pull(from: boris, origins: [origin])
        #expect(carla.store.appliedClock[origin].map(\.sequence) == [1])
        #expect(carla.store.heldClock[origin].map(\.sequence) == [2])
        let read = try await carla.store.batches(for: [nothing(of: boris)], byteLimit: .max)
        #expect(read.batches.map(\.last) == [2])
        try await anna.store.ingest(await anna.verified(read.batches))
        #expect(anna.store.appliedClock[origin] == carla.store.appliedClock[origin])
        #expect(try await anna.digest() == carla.digest())
        // Who has what is applied is offered nothing.
        let more = try await carla.store.batches(
            for: [PeerLog(origin: origin, tips: anna.store.appliedClock[origin])], byteLimit: .max)
        #expect(more.batches.isEmpty)
    }

    @Test func whatIsHeldAlreadyOrNotHereIsWithheld() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let read = try await anna.store.batches(
            for: [
                nothing(of: boris),
                PeerLog(
                    origin: anna.store.origin, tips: anna.store.heldClock[anna.store.origin]),
            ], byteLimit: .max)
        #expect(read.batches.isEmpty)
        #expect(Set(read.withheld) == [anna.store.origin, boris.store.origin])
    }

    /// Long texts of few words: as a whole they go as words, and so must the end of them, which by
    /// itself would be too few texts for that and too many bytes without.
    private func narratives() -> [Operation] {
        var random = SplitMix(seed: 5)
        let words = (0..<2000).map { "word\($0)" }
        return (0..<300).map { number in
            let text = (0..<230).map { _ in words[Int(random.next() % 2000)] }
            return write("narrative", "\(number) " + text.joined(separator: " "))
        }
    }

    @Test func theEndOfALargeRunCanBeSentAlone() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let texts = narratives()
        for text in texts[..<50] { try await anna.create("exchange", text) }
        try await boris.pull(from: anna)
        for text in texts[50...] { try await anna.create("exchange", text) }
        try await anna.store.seal(minimumRuns: 2)
        let origin = anna.store.origin
        let runs = try await anna.store.batches(of: origin, after: 0, byteLimit: .max)
        #expect(runs.contains { $0.last - $0.first > 255 }, "one run holds old and new")
        try await boris.pull(from: anna)
        #expect(try await boris.digest() == anna.digest())
        // Who has a part of the run and gets all of it keeps it as it came.
        let last = runs[runs.count - 1]
        try await carla.store.ingest(await carla.verified(Array(runs.dropLast())))
        let part = try await boris.store.batches(of: origin, after: last.first - 1, byteLimit: .max)
        try await carla.store.ingest(await carla.verified([part[0]]))
        let whole = try VerifiedBatch(
            bytes: last.bytes, casebook: anna.store.casebookID,
            previous: try await #require(carla.store.hash(of: origin, at: last.first - 1)))
        try await carla.store.ingest([whole])
        #expect(try await carla.digest() == anna.digest())
        let kept = try await carla.store.batches(of: origin, after: 0, byteLimit: .max)
        #expect(kept.last?.bytes == last.bytes)
        let again = try await carla.reopened()
        #expect(try await again.digest() == anna.digest())
        for sequence in 1...last.last {
            #expect(
                try await again.store.hash(of: origin, at: sequence)
                    == anna.store.hash(of: origin, at: sequence))
        }
    }
}
