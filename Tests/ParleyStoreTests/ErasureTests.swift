import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTestSupport
import ParleyWire
import Testing

/// Forgetting a person, and single things that were said.
@Suite struct ErasureTests {
    private let marker = "Marquarius"

    /// After an erasure no byte of what the record said is in any file of the store: not in batches,
    /// records, the search index, the write-ahead log, nor the salts by which it could be guessed.
    @Test func nothingOfAnErasedRecordIsLeftInTheFiles() async throws {
        let anna = try await TestNode.founder(indexing: ["place"])
        let boris = try await anna.admitting("boris", seed: 2)
        let kept = try await #require(anna.create("person", write("place", "kept")).recordIDs[0])
        let id = try await #require(
            anna.create(
                "person", write("place", marker), confide("note", marker + " note"),
                add("tags", marker + " tag")
            ).recordIDs[0])
        try await boris.pull(from: anna)
        try await anna.edit(id, write("place", marker + " by anna"))
        try await boris.store.write { scope in
            let record = try #require(try scope.record(id))
            _ = try scope.append([
                .edit(of: record.reference, [write("place", marker + " by boris")]),
                .reason(Array((marker + " reason").utf8)),
            ])
        }
        for (node, other) in [(anna, boris), (boris, anna)] { try await node.pull(from: other) }
        for node in [anna, boris] { try await node.store.index() }
        #expect(try anna.holds(marker) && boris.holds(marker))
        let seeds = try anna.seeds() + boris.seeds()

        let erased = try await anna.erase(id)
        for node in [anna, boris] {
            if node.path == boris.path { try await boris.pull(from: anna) }
            #expect(try await node.record(id) == nil)
            #expect(try await node.store.finishErasures())
            #expect(try !node.holds(marker))
            try await node.store.index()
            #expect(try !node.holds(marker))
            #expect(try Set(node.seeds()).isDisjoint(with: seeds), "no seed from before")
            #expect(try await node.store.audit().findings == [])
            #expect(try await node.record(kept)?.document.text("place") == "kept")
        }
        try await anna.pull(from: boris)
        let status = try await anna.store.read { try #require(try $0.erasure(of: id)) }
        #expect(status.source == erased.dot && status.progress == .done)
        #expect(Set(status.receipts.keys) == [anna.identity.node, boris.identity.node])
        #expect(try await anna.digest() == boris.digest())
    }

    /// What is found is found as before, though the table it is in is made anew.
    @Test func whatElseIsThereIsStillFound() async throws {
        let anna = try await TestNode.founder(indexing: ["place"])
        let id = try await #require(anna.create("person", write("place", marker)).recordIDs[0])
        let kept = try await #require(anna.create("person", write("place", "kept")).recordIDs[0])
        try await anna.store.index()
        try await anna.erase(id)
        for _ in 0..<2 {
            #expect(
                try await anna.store.read { try $0.find(words: "kept", limit: 0).map(\.id) } == [
                    kept
                ])
            #expect(try await anna.store.read { try $0.find(words: marker, limit: 0) }.isEmpty)
            try await anna.store.index()
        }
    }

    /// Who was away for more than a year and returns with an edit made meanwhile comes to the same.
    @Test(arguments: [false, true])
    func anEditByOneWhoWasAwayForAYearBringsNothingBack(isErasedFirst: Bool) async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let id = try await #require(anna.create("person", write("place", marker)).recordIDs[0])
        try await boris.pull(from: anna)
        try await boris.edit(id, write("place", marker + " of the absent"))
        if isErasedFirst { try await anna.erase(id) }
        for node in [anna, boris, carla] { node.world.advance(milliseconds: 400 * 86_400_000) }
        if !isErasedFirst { try await anna.erase(id) }
        #expect(try await anna.store.finishErasures())
        try await boris.edit(id, write("note", marker + " later still"))
        try await carla.pull(from: boris)
        try await carla.pull(from: anna)
        for (node, other) in [(anna, boris), (boris, anna), (carla, anna), (anna, carla)] {
            try await node.pull(from: other)
        }
        for node in [anna, boris, carla] {
            #expect(try await node.record(id) == nil)
            #expect(try await node.store.finishErasures())
            #expect(try !node.holds(marker))
            #expect(try await node.digest() == anna.digest())
            #expect(try await node.store.audit().findings == [])
        }
    }

    /// A single field goes, with what it said before; the rest of the record stays, and the field
    /// can be written again.
    @Test func aRedactionTakesOneFieldOutOfHistory() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let id = try await #require(
            anna.create(
                "source", write("place", "kept"), confide("note", marker),
                confide("name", "kept too")
            ).recordIDs[0])
        try await boris.pull(from: anna)
        try await boris.edit(id, confide("note", marker + " again"))
        try await anna.redact(id, "note")
        for (node, other) in [(anna, boris), (boris, anna)] { try await node.pull(from: other) }
        for node in [anna, boris] {
            #expect(try await node.store.finishErasures())
            #expect(try !node.holds(marker))
            let record = try await #require(node.record(id))
            #expect(record.document.text("place") == "kept")
            #expect(record.document.text("name") == "kept too")
            #expect(record.document.text("note") == nil)
            #expect(try await node.digest() == anna.digest())
            #expect(try await node.store.audit().findings == [])
        }
        try await boris.edit(id, confide("note", "new"))
        try await anna.pull(from: boris)
        #expect(try await anna.record(id)?.document.text("note") == "new")
        #expect(try await anna.digest() == boris.digest())
    }

    /// Records with a marker each.
    private func people(_ count: Int, by node: TestNode) async throws -> [RecordID] {
        var ids: [RecordID] = []
        for number in 0..<count {
            ids.append(
                try await #require(
                    node.create("person", write("place", marker + "\(number)")).recordIDs[0]))
        }
        return ids
    }

    /// A stolen coordinator's key can hide, and not destroy, more than a few records.
    @Test func manyErasuresByOneCoordinatorWaitForAPerson() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let ids = try await people(23, by: anna)
        try await boris.pull(from: anna)
        for (number, id) in ids.enumerated() {
            // A clock set back or ahead opens no way.
            if number == 10 { anna.world.advance(milliseconds: 3 * 86_400_000) }
            try await anna.erase(id)
        }
        try await boris.pull(from: anna)
        for id in ids { #expect(try await boris.record(id) == nil, "hidden at once") }
        #expect(try await boris.store.finishErasures())
        let waiting = try await boris.store.read {
            try $0.takingsBack().filter { $0.progress == .unconfirmed }.map(\.record)
        }
        #expect(Set(waiting) == Set(ids[20...]))
        #expect(try await boris.store.audit().findings == [])
        #expect(try boris.holds(marker + "22") && !boris.holds(marker + "19"))
        let confirmed = try await boris.store.write { try $0.confirmErasures() }
        #expect(confirmed == 3)
        #expect(try await boris.store.finishErasures())
        #expect(try !boris.holds(marker))
        try await anna.pull(from: boris)
        let newest = ids[22]
        let last = try await anna.store.read { try $0.erasure(of: newest) }
        #expect(try #require(last).receipts.keys.contains(boris.identity.node))
    }

    /// A stolen coordinator's key can admit others that do its work: all of them count together.
    @Test func manyErasuresBySeveralCoordinatorsWaitForAPerson() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let ids = try await people(23, by: anna)
        var puppets: [TestNode] = []
        for seed in 10..<13 as Range<UInt64> {
            puppets.append(
                try await anna.admitting("puppet \(seed)", seed: seed, role: .coordinator))
        }
        for (number, id) in ids.enumerated() { try await puppets[number / 8].erase(id) }
        try await boris.pull(from: anna)
        for puppet in puppets { try await boris.pull(from: puppet) }
        let waiting = try await boris.store.read {
            try $0.takingsBack().filter { $0.progress == .unconfirmed }.map(\.record)
        }
        #expect(Set(waiting) == Set(ids[20...]))
        for id in ids { #expect(try await boris.record(id) == nil, "hidden at once") }
    }

    /// What is taken out between the cut of the journal and the word that nothing is left isn't
    /// covered by that word.
    @Test(arguments: [false, true])
    func whatIsErasedAfterTheCutIsNotDone(isFirstDone: Bool) async throws {
        let anna = try await TestNode.founder()
        let first = try await #require(anna.create("person", write("place", "a")).recordIDs[0])
        let second = try await #require(anna.create("person", write("place", "b")).recordIDs[0])
        try await anna.erase(first)
        if isFirstDone { #expect(try await anna.store.finishErasures()) }
        let cut = try await #require(anna.store.cutErased())
        try await anna.erase(second)
        try await anna.store.confirmErased(since: cut)
        let progress = try await anna.store.read { scope in
            try [first, second].map { try scope.erasure(of: $0)?.progress }
        }
        #expect(progress == [isFirstDone ? .done : .underWay, .underWay])
        #expect(try await anna.store.finishErasures())
    }

    /// What counts nowhere, because a cut made it void or nothing permitted it, is on every disk all
    /// the same and can be taken back.
    @Test(arguments: [false, true])
    func whatCountsNowhereCanBeErased(isForged: Bool) async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let thief = try await anna.admitting("thief", seed: 3, role: isForged ? .reader : .editor)
        let id: RecordID
        if isForged {
            let author = LogAuthor(identity: thief.identity, epoch: 77)
            let change = Change(
                origin: author.origin, sequence: 1, time: HybridTime(rawValue: 1),
                contextDelta: thief.store.appliedClock.entries,
                groups: [.creation(type: name("person"), [write("place", marker)])])
            let run = try author.run(
                of: [change], casebook: anna.store.casebookID, previous: .zero,
                seed: [UInt8](repeating: 7, count: 16))
            id = RecordID(change: run.hashes[0], group: 0)
            for node in [anna, boris] { try await node.store.ingest([run]) }
        } else {
            id = try await #require(thief.create("person", write("place", marker)).recordIDs[0])
            for node in [anna, boris] { try await node.pull(from: thief) }
            try await anna.revoke(thief.identity.node, keeping: [])
        }
        #expect(try await anna.record(id) == nil)
        #expect(try anna.holds(marker))
        let found = try await anna.store.read {
            try $0.logOnlyRecords(withPrefix: String(id.text.prefix(6))).map(\.id)
        }
        #expect(found == [id])
        try await anna.erase(id)
        try await boris.pull(from: anna)
        for node in [anna, boris] {
            #expect(try await node.store.finishErasures())
            #expect(try !node.holds(marker))
            #expect(try await node.store.audit().findings == [])
        }
        #expect(try await anna.digest() == boris.digest())
    }

    /// Packing small runs puts nothing back that was taken out of them after they were read.
    @Test func sealingPutsNothingBack() async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(anna.create("person", write("place", marker)).recordIDs[0])
        try await anna.create("person", write("place", "other"))
        let small = try await #require(anna.store.smallRuns(of: anna.store.origin, atLeast: 2))
        try await anna.erase(id)
        #expect(try await anna.store.seal(small) == 0)
        #expect(try await anna.store.finishErasures())
        #expect(try !anna.holds(marker))
        #expect(try await anna.store.audit().findings == [])
        #expect(try await anna.store.seal(minimumRuns: 2) > 0)
    }

    // MARK: Beside forks

    /// Two clones give two records the same place in one log; one of them is erased where the other
    /// isn't known yet. What arrives about that other one then isn't taken for the erased one's.
    @Test func whatIsAboutAnUnknownBranchIsNotTakenOut() async throws {
        let anna = try await TestNode.founder()
        let dora = try await anna.admitting("dora", seed: 4, role: .coordinator)
        let boris = try await anna.admitting("boris", seed: 2)
        try await dora.create("person", write("place", "both have this"))
        try await boris.pull(from: dora)
        let clone = try dora.cloned("clone", seed: 5)
        let erased = try await #require(
            dora.create("person", write("place", marker)).recordIDs[0])
        let other = try await #require(clone.create("person", write("place", "p")).recordIDs[0])
        try await boris.pull(from: clone)
        try await boris.edit(other, write("place", "by boris"))
        try await anna.pull(from: dora)
        try await anna.erase(erased)

        try await anna.pull(from: boris, origins: [boris.store.origin])
        #expect(try await anna.record(other) == nil, "the branch isn't here yet")
        try await anna.pull(from: clone)
        try await anna.pull(from: boris)
        #expect(try await anna.record(other)?.document.text("place") == "by boris")
        for (node, from) in [(boris, anna), (dora, anna), (dora, boris)] {
            try await node.pull(from: from)
        }
        #expect(try await dora.digest() == anna.digest())
        #expect(try await anna.store.audit().findings == [])
    }

    /// Who knew of a redaction may write the field again, also where it can't be told yet, for want
    /// of the branch they knew it by, that they did.
    @Test func whatWasWrittenKnowingOfARedactionStays() async throws {
        let anna = try await TestNode.founder()
        let dora = try await anna.admitting("dora", seed: 4, role: .coordinator)
        let carla = try await anna.admitting("carla", seed: 3)
        let id = try await #require(
            anna.create("source", write("place", "p"), confide("note", marker)).recordIDs[0])
        for node in [dora, carla] { try await node.pull(from: anna) }
        try await dora.create("person", write("place", "both have this"))
        let clone = try dora.cloned("clone", seed: 5)
        try await dora.create("person", write("place", "branch"))
        try await anna.pull(from: dora)
        try await clone.redact(id, "note")
        try await anna.pull(from: clone)
        #expect(anna.store.hasForked(dora.store.origin))
        try await clone.create("person", write("place", "beyond"))
        try await carla.pull(from: clone)
        try await carla.edit(id, confide("note", "new"))

        try await anna.pull(from: carla, origins: [carla.store.origin])
        try await anna.pull(from: clone)
        try await anna.pull(from: carla)
        #expect(try await anna.record(id)?.document.text("note") == "new")
        try await carla.pull(from: anna)
        #expect(try await carla.digest() == anna.digest())
        #expect(try await anna.store.audit().findings == [])
    }

    /// What a redaction that was carried out long ago is about can arrive before it can be told, and be
    /// followed at once by a cut for which the record is computed anew: nothing of it shows.
    @Test func whatIsToldLateIsHiddenFromTheFirstMoment() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2, role: .coordinator)
        let carla = try await anna.admitting("carla", seed: 3)
        let id = try await #require(carla.create("source", write("place", "p")).recordIDs[0])
        for node in [anna, boris] { try await node.pull(from: carla) }
        let seen = carla.store.appliedClock.entries.filter { $0.origin == carla.store.origin }
        try await carla.edit(id, write("place", "seen by boris alone"))
        try await boris.pull(from: carla)
        try await boris.edit(id, confide("note", marker))
        try await boris.revoke(carla.store.origin.node, keeping: seen)
        try await anna.redact(id, "note")
        #expect(try await anna.store.finishErasures())

        let (boriss, carlas) = (boris.store.origin, carla.store.origin)
        let runs =
            try await boris.store.batches(
                of: boriss, after: anna.store.head(of: boriss).last, byteLimit: .max)
            + carla.store.batches(
                of: carlas, after: anna.store.head(of: carlas).last, byteLimit: .max)
        _ = try await anna.store.ingest(anna.store.prepare(runs.map(\.bytes)))
        #expect(try await anna.record(id)?.document.text("place") == "p")
        #expect(try await anna.record(id)?.document.text("note") == nil)
        #expect(try await anna.store.finishErasures())
        #expect(try !anna.holds(marker))
        #expect(try await anna.store.audit().findings == [])
        try await boris.pull(from: anna)
        #expect(try await boris.digest() == anna.digest())
    }

    /// A run of one branch may begin with what both have: it goes there, too.
    @Test func whatIsInARunAcrossAForkGoes() async throws {
        let anna = try await TestNode.founder()
        let dora = try await anna.admitting("dora", seed: 4, role: .coordinator)
        let id = try await #require(dora.create("person", write("place", marker)).recordIDs[0])
        let clone = try dora.cloned("clone", seed: 5)
        try await dora.create("person", write("place", "branch"))
        try await clone.create("person", write("place", "other branch"))
        try await clone.store.seal(minimumRuns: 2)
        try await anna.pull(from: dora)
        let whole = try await clone.store.batches(
            for: [PeerLog(origin: clone.store.origin, tips: [])], byteLimit: 1 << 20)
        try await anna.store.ingest(anna.verified(whole.batches))
        #expect(anna.store.hasForked(dora.store.origin))
        try await anna.erase(id)
        #expect(try await anna.store.finishErasures())
        #expect(try !anna.holds(marker))
        #expect(try await anna.store.audit().findings == [])
    }

    @Test func onlyCoordinatorsErase() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let id = try await #require(boris.create("person", write("place", "p")).recordIDs[0])
        await #expect(throws: StoreError.notPermitted) { try await boris.erase(id) }
        await #expect(throws: StoreError.notPermitted) { try await boris.redact(id, "place") }
        #expect(try await boris.record(id) != nil)
    }

    /// A crash between taking out and cutting off the journal is made up for.
    @Test func whatWasBegunIsFinishedAfterARestart() async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(anna.create("person", write("place", marker)).recordIDs[0])
        try await anna.erase(id)
        #expect(anna.store.hasUnfinishedErasures)
        let again = try await anna.reopened()
        #expect(again.store.hasUnfinishedErasures)
        #expect(try await again.store.finishErasures())
        #expect(try !again.holds(marker))
        let status = try await again.store.read { try #require(try $0.erasure(of: id)) }
        #expect(status.receipts.count == 1)
    }
}
