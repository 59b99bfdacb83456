import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire
import Testing

/// What somebody on the way takes out of a log, and what can't be read any more: noticed, asked for
/// again and put back.
@Suite struct MissingContentsTests {
    fileprivate let marker = "Marquarius"

    /// All of a node's own log as one run, with some contents taken out.
    private func relayed(
        _ node: TestNode, _ removals: [UInt64: Removal] = [:]
    ) async throws -> [UInt8] {
        try await node.store.seal(minimumRuns: 2)
        let read = try await node.store.batches(
            for: [PeerLog(origin: node.store.origin, tips: [])], byteLimit: 1 << 20)
        let batch = try #require(read.batches.first)
        #expect(read.batches.count == 1)
        guard !removals.isEmpty else { return batch.bytes }
        return try Batch.decode(batch.bytes).removing(removals).encoded(compress: true)
    }

    private func taken(group: Int) -> Removal {
        var removal = Removal()
        removal.groups = [group]
        return removal
    }

    /// What a node is asked for again, answered by another.
    fileprivate func refill(_ node: TestNode, from other: TestNode) async throws {
        for run in try await node.missing() {
            let log = PeerLog(origin: run.origin, tips: node.store.heldClock[run.origin])
            let answer = try await other.store.runs(with: run, for: log, byteLimit: 1 << 20)
            try await node.store.ingest(node.verified(answer))
        }
    }

    /// An answer holds no run that follows what the asker doesn't have: that would be a gap, and an honest
    /// node cut off for it.
    @Test func anAnswerFollowsWhatTheAskerHas() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let dora = try await anna.admitting("dora", seed: 4)
        try await boris.pull(from: anna)
        let clone = try anna.cloned("clone", seed: 5)
        for title in ["first", "second"] {
            try await anna.create("person", write("place", title))
            try await clone.create("person", write("place", title + " otherwise"))
        }
        try await boris.pull(from: anna)
        for node in [anna, clone] { try await dora.pull(from: node) }
        let origin = anna.store.origin
        let last = anna.store.head(of: origin).last
        let log = PeerLog(origin: origin, tips: boris.store.heldClock[origin])
        func answer(_ sequence: UInt64) async throws -> [StoredBatch] {
            try await dora.store.runs(
                with: ChangeRange(origin: origin, sequences: sequence...sequence), for: log,
                byteLimit: 1 << 20)
        }
        #expect(try await answer(last).map(\.tip) == [anna.tip])
        #expect(try await answer(last - 1).count == 2, "both follow what is held")
        for sequence in [last, last - 1] {
            let runs = try await answer(sequence).map(\.bytes)
            _ = try await boris.store.ingest(boris.store.prepare(runs))
        }
    }

    /// A run that repeats what is held, with less in it, doesn't take the place of that.
    @Test(arguments: [false, true])
    func aRelayTakesNothingOutOfWhatIsHeld(isForked: Bool) async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let created = try await anna.create("person", write("place", marker))
        try await boris.pull(from: anna)
        if isForked {
            let clone = try anna.cloned("clone", seed: 5)
            try await clone.create("person", write("place", "branch"))
            try await boris.pull(from: clone)
        }
        try await anna.create("person", write("place", "later"))
        let poor = try await relayed(anna, [created.dot.sequence: taken(group: 0)])
        try await boris.store.ingest(boris.store.verify([poor]))
        #expect(boris.store.hasForked(anna.store.origin) == isForked)
        #expect(boris.store.appliedClock[anna.store.origin].contains(anna.tip))

        #expect(try await boris.missing() == [])
        #expect(try boris.holdsInEveryRun(marker, at: created.dot.sequence))
        #expect(try await boris.store.audit().findings == [])
    }

    /// What lacks something that no erasure explains waits, is asked for, and counts once it is there.
    @Test func whatARelayTookOutIsPutBack() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let created = try await anna.create("person", write("place", marker))
        try await anna.create("person", write("place", "later"))
        let poor = try await relayed(anna, [created.dot.sequence: taken(group: 0)])
        try await boris.store.ingest(boris.store.verify([poor]))
        #expect(try await boris.record(#require(created.recordIDs[0])) == nil)
        #expect(boris.store.heldClock == anna.store.heldClock)
        #expect(boris.store.appliedClock != anna.store.appliedClock)
        #expect(
            try await boris.missing() == [
                ChangeRange(
                    origin: anna.store.origin,
                    sequences: created.dot.sequence...created.dot.sequence)
            ])

        try await boris.store.ingest(boris.store.verify([poor]))
        #expect(try await boris.missing().count == 1, "the same again is no help")
        try await refill(boris, from: anna)
        #expect(try await boris.missing() == [])
        #expect(try await boris.digest() == anna.digest())
        #expect(try boris.holdsInEveryRun(marker, at: created.dot.sequence))
        #expect(try await boris.store.audit().findings == [])
    }

    /// The same for a single value of a sensitive field, and for the reason of a change.
    @Test func singleValuesAndReasonsArePutBack() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let appended = try await anna.store.write { scope in
            try scope.append([
                .creation(type: name("source"), [confide("note", "said"), write("place", "p")]),
                .reason(Array("because".utf8)),
            ])
        }
        let other = try await anna.store.write { scope in
            try scope.append([
                .creation(type: name("source"), [write("place", "q")]),
                .reason(Array("why".utf8)),
            ])
        }
        var value = Removal()
        value.values = [Removal.Place(group: 0, slot: 1)]
        let poor = try await relayed(
            anna, [appended.dot.sequence: value, other.dot.sequence: taken(group: 1)])
        try await boris.store.ingest(boris.store.verify([poor]))
        while try await !boris.missing().isEmpty { try await refill(boris, from: anna) }
        #expect(try await boris.digest() == anna.digest())
        #expect(try boris.holdsInEveryRun("said", at: appended.dot.sequence))
        #expect(try boris.holdsInEveryRun("why", at: other.dot.sequence))
        #expect(try await boris.store.audit().findings == [])
    }

    /// A change applied without its contents, on the credit of an erasure that turns out not to be
    /// permitted, gets them back, with all that was said of the record meanwhile.
    @Test func creditThatWasNotDueIsTakenBack() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let created = try await anna.create("person", write("place", marker))
        let id = try #require(created.recordIDs[0])
        try await carla.pull(from: anna)
        try await carla.edit(id, write("note", "by carla"))
        try await boris.pull(from: anna)
        try await boris.pull(from: carla)
        let reference = try await #require(boris.record(id)).reference
        let erasure = Erasure(record: reference, basis: "forged")
        try await boris.forge([
            Group(kind: .erasure, subject: .casebook, content: .payload(erasure.encoded))
        ])
        // Of anna's log the run without the contents is all that dora gets.
        let dora = try await anna.joined(by: "dora", seed: 4)
        let poor = try await relayed(anna, [created.dot.sequence: taken(group: 0)])
        try await dora.store.ingest(dora.store.verify([poor]))
        #expect(try await dora.record(id) == nil)
        for other in [boris, carla] { try await dora.pull(from: other) }
        try await boris.pull(from: anna)
        #expect(try await dora.store.read { try $0.waitingCount() } == 0, "applied on credit")
        #expect(try await dora.record(id)?.document.text("place") == nil)
        #expect(try await dora.missing().count == 1)
        try await refill(dora, from: carla)
        #expect(try await dora.missing() == [])
        #expect(try await dora.record(id)?.document.text("place") == marker)
        #expect(try await dora.record(id)?.document.text("note") == "by carla")
        #expect(try await dora.digest() == boris.digest())
        #expect(try await dora.store.audit().findings == [])
    }

    /// What is erased isn't put back by a run that still has it.
    @Test func whatIsErasedStaysOut() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let created = try await anna.create("person", write("place", marker))
        let other = try await anna.create("person", write("place", "other"))
        let whole = try await relayed(anna)
        let poor = try await relayed(
            anna, [created.dot.sequence: taken(group: 0), other.dot.sequence: taken(group: 0)])
        try await boris.store.ingest(boris.store.verify([poor]))
        try await anna.erase(#require(created.recordIDs[0]))
        try await boris.pull(from: anna)
        try await boris.store.ingest(boris.store.verify([whole]))
        #expect(
            try await boris.record(#require(other.recordIDs[0]))?.document.text("place") == "other")
        try await boris.pull(from: anna)
        #expect(try await boris.store.finishErasures())
        #expect(try !boris.holds(marker))
        #expect(try await boris.missing() == [])
        #expect(try await boris.digest() == anna.digest())
        #expect(try await boris.store.audit().findings == [])
    }

    /// A run of which a page went bad is offered to nobody and comes again, also in parts.
    @Test(arguments: [1, 3])
    func aDamagedRunComesAgain(parts: Int) async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        for number in 0..<9 {
            try await anna.create("person", write("place", "\(marker) \(number)"))
            if parts == 3, number % 3 == 2 { try await boris.pull(from: anna) }
        }
        try await boris.pull(from: anna)
        if parts == 3 { try await boris.store.seal(minimumRuns: 9) }
        try await anna.store.seal(minimumRuns: 2)
        // The end of the own log is looked at when the casebook is opened: it stays readable.
        try await anna.create("person", write("place", "end"))
        try await anna.store.close()
        try SQLiteFile(anna.path).run(
            "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE last - first > 5")
        let again = try anna.opened()
        try await again.create("person", write("place", "goes on"))
        let report = try await again.store.audit()
        #expect(!report.findings.isEmpty)
        try await again.store.noteDamaged(report)
        #expect(try await again.missing().count == 1)
        let offered = try await again.store.batches(
            for: [PeerLog(origin: anna.store.origin, tips: [])], byteLimit: 1 << 20)
        #expect(offered.batches.allSatisfy { (try? Batch.decode($0.bytes)) != nil })
        try await again.store.seal(minimumRuns: 2)
        while try await !again.missing().isEmpty { try await refill(again, from: boris) }
        #expect(try await again.store.audit().findings == [])
        try await boris.pull(from: again)
        #expect(try await boris.digest() == again.digest())
    }
}

extension MissingContentsTests {
    /// A run that can't be read doesn't keep an erasure in its log from being heard of, nor anything
    /// else; it is carried out there once the run has come again.
    @Test func anErasureBesideADamagedRunWaitsForIt() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let id = try await #require(anna.create("person", write("place", marker)).recordIDs[0])
        try await anna.create("person", write("place", "other"))
        try await boris.pull(from: anna)
        try await boris.store.close()
        try SQLiteFile(boris.path).run(
            "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE last > 2")
        let node = try boris.opened()
        try await anna.erase(id)
        try await carla.pull(from: anna)
        let news = try await #require(carla.create("note", write("title", "t")).recordIDs[0])
        for source in [anna, carla] { try await node.pull(from: source) }
        #expect(try await node.record(news)?.document.title == "t")
        #expect(try await node.record(id) == nil)
        #expect(try await node.store.read { try $0.erasure(of: id) }?.progress == .underWay)
        #expect(try await !node.missing().isEmpty)
        while try await !node.missing().isEmpty { try await refill(node, from: carla) }
        try await node.create("note", write("title", "own"))
        #expect(try await node.store.finishErasures())
        #expect(try await node.store.read { try $0.erasure(of: id) }?.progress == .done)
        #expect(try !node.holds(marker))
        #expect(try await node.store.audit().findings == [])
    }

    /// A wrong byte in a run that can still be read makes that run damaged and none of those after it;
    /// what turns out to be sound again is offered again.
    @Test func onlyTheRunThatIsWrongIsDamaged() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        for number in 0..<6 { try await anna.create("person", write("place", "\(number)")) }
        try await boris.pull(from: anna)
        try await anna.create("person", write("place", "last"))
        let file = SQLiteFile(anna.path)
        try await anna.store.close()
        let kept = try file.runs()[3].batch
        var changes = kept.changes
        changes[0] = Change(
            origin: kept.origin, sequence: kept.first, time: HybridTime(rawValue: 7),
            contextDelta: changes[0].contextDelta, groups: changes[0].groups)
        let wrong = Batch(
            origin: kept.origin, first: kept.first, previous: kept.previous,
            signature: kept.signature, changes: changes, salts: kept.salts)
        func store(_ batch: Batch) throws {
            let hex = try batch.encoded(compress: true).map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
            try file.run(
                "UPDATE batch SET bytes = x'\(hex)' WHERE first = \(kept.first)")
        }
        try store(wrong)
        var node = try anna.opened()
        try await node.store.noteDamaged(node.store.audit())
        #expect(
            try await node.missing() == [
                ChangeRange(origin: anna.store.origin, sequences: kept.first...kept.last)
            ])
        try await node.store.close()
        try store(kept)
        node = try anna.opened()
        try await node.store.noteDamaged(node.store.audit())
        #expect(try await node.missing() == [])
        try await boris.pull(from: node)
        #expect(try await boris.digest() == node.digest())
    }
}

extension TestNode {
    fileprivate func missing() async throws -> [ChangeRange] {
        try await store.read { try $0.missingRuns() }
    }

    fileprivate var tip: Tip {
        let head = store.head(of: store.origin)
        return Tip(sequence: head.last, hash: head.hash.prefix)
    }

    /// A new member who has received nothing yet.
    fileprivate func joined(by name: String, seed: UInt64) async throws -> TestNode {
        let (world, identity) = (TestEnvironment(seed: seed), TestNode.identity(seed))
        try await admit(identity.node, .editor, as: name)
        return TestNode(
            folder: folder, identity: identity, world: world,
            store: try CasebookStore.joining(
                at: folder.file(name), casebook: store.casebookID, identity: identity,
                environment: world.environment), path: folder.file(name))
    }

    /// A change of this member, in an epoch of its own, that its program wouldn't make.
    fileprivate func forge(_ groups: [Group]) async throws {
        let author = LogAuthor(identity: identity, epoch: 77)
        let change = Change(
            origin: author.origin, sequence: 1, time: HybridTime(rawValue: 1),
            contextDelta: store.appliedClock.entries, groups: groups)
        try await store.ingest([
            author.run(
                of: [change], casebook: store.casebookID, previous: .zero,
                seed: [UInt8](repeating: 7, count: 16))
        ])
    }

    /// Whether all stored runs with a change of this number have a text in it, and there is one.
    fileprivate func holdsInEveryRun(_ text: String, at sequence: UInt64) throws -> Bool {
        let changes = try SQLiteFile(path).runs().compactMap { run -> Change? in
            guard run.batch.origin.node != identity.node, run.batch.first <= sequence,
                sequence <= run.batch.last
            else { return nil }
            return run.batch.changes[Int(sequence - run.batch.first)]
        }
        return !changes.isEmpty && changes.allSatisfy { $0.says(text) }
    }
}
