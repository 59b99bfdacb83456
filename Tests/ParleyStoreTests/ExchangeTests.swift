import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import Testing

/// Two or more stores that hand each other batches.
@Suite struct ExchangeTests {
    @Test func aRecordTypedHereIsShownThere() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let id = try #require(
            await anna.create(
                "exchange", write("title", "Ten for ten"), add("tags", "sea", "air")
            ).recordIDs[0])
        try await boris.pull(from: anna)
        let record = try await #require(boris.record(id))
        #expect(record.type == name("exchange"))
        #expect(record.document.title == "Ten for ten")
        #expect(record.document[name("tags")] == .elements([Array("air".utf8), Array("sea".utf8)]))
        #expect(try await anna.record(id) == record)
        #expect(try await anna.digest() == boris.digest())
        #expect(anna.store.appliedClock == boris.store.heldClock)
    }

    @Test func editsMadeApartConflictOnBothAndASharedResolutionEndsIt() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let id = try await #require(anna.create("exchange", write("place", "Odesa")).recordIDs[0])
        try await boris.pull(from: anna)
        let one = try await anna.edit(id, write("place", "Kherson"))
        let other = try await boris.edit(id, write("place", "Mykolaiv"))
        #expect(try await boris.pull(from: anna).conflictsOpened == 1)
        #expect(try await anna.pull(from: boris).conflictsOpened == 1)
        #expect(try await anna.digest() == boris.digest())
        let record = try await #require(anna.record(id))
        #expect(record.state.conflictingFields == [name("place")])
        #expect(record.state[.register(name("place"))].entries.count == 2)
        #expect(record.time(of: other.dot) == other.time)
        #expect(try await anna.store.read { try $0.conflicts(limit: 0) }.map(\.record) == [id])

        let resolution = Operation(
            .resolve, field: name("place"), values: [text("Kherson")],
            drops: [DotReference(one.dot), DotReference(other.dot)])
        try await anna.edit(id, resolution)
        try await boris.pull(from: anna)
        #expect(try await boris.store.read { try $0.conflicts(limit: 0) }.isEmpty)
        #expect(try await boris.record(id)?.document.text("place") == "Kherson")
        #expect(try await anna.digest() == boris.digest())
    }

    /// Who was away for more than a year and edited what was deleted meanwhile brings a question back
    /// and not the record.
    @Test func aDeleteIsNeverForgotten() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let id = try await #require(anna.create("exchange", write("place", "Odesa")).recordIDs[0])
        try await boris.pull(from: anna)
        try await boris.edit(id, write("place", "Kherson"))
        try await anna.edit(id, Operation(.setState, field: nil, values: [.deleted]))
        for node in [anna, boris] { node.world.advance(milliseconds: 400 * 86_400_000) }
        try await anna.pull(from: boris)
        try await boris.pull(from: anna)
        for node in [anna, boris] {
            let state = try await #require(node.record(id)).state.state
            #expect(Set(state.entries.map(\.value)) == [.live, .deleted])
            #expect(try await node.digest() == anna.digest())
        }
    }

    /// Edits typed one by one, each a run of its own, go to a peer as one, and mean the same there.
    @Test func smallRunsGoOutPacked() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        for number in 0..<100 { try await anna.create("exchange", write("title", "\(number)")) }
        let origin = anna.store.origin
        let apart = try await anna.store.batches(of: origin, after: 2, byteLimit: .max)
        let packed = StoredBatch.packing(apart)
        #expect(apart.count == 100)
        #expect(packed.map { [$0.first, $0.last] } == [[3, 102]])
        let size = apart.reduce(0) { $0 + $1.bytes.count }
        #expect(packed[0].bytes.count * 4 < size)
        try await boris.store.ingest(await boris.verified(packed))
        #expect(try await anna.digest() == boris.digest())
    }

    /// Large runs stay as they are stored, and keep the order of the small ones around them.
    @Test func largeRunsGoOutAsTheyAre() async throws {
        let anna = try await TestNode.founder()
        for count in [2, 3, 65, 4, 5] {
            try await anna.store.write { scope in
                for number in 0..<count {
                    _ = try scope.append([
                        .creation(type: name("note"), [write("title", "\(number)")])
                    ])
                }
            }
        }
        let apart = try await anna.store.batches(
            of: anna.store.origin, after: 1, byteLimit: .max)
        let packed = StoredBatch.packing(apart)
        #expect(packed.map { $0.last - $0.first + 1 } == [5, 65, 9])
        #expect(packed[1] == apart[2])
    }

    /// A clock that is wrong by more than clocks may be is named, doesn't move ours, and is forgotten
    /// once it is right again. The change counts all the same.
    @Test(arguments: [(299, false), (301, true)])
    func aClockFarAheadIsNamed(seconds: UInt64, isNamed: Bool) async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        boris.world.advance(milliseconds: seconds * 1000)
        try await boris.create("exchange", write("title", "from the future"))
        try await anna.pull(from: boris)
        let leads = try await anna.store.read { try $0.clockLeads() }
        #expect(leads.map(\.node) == (isNamed ? [boris.identity.node] : []))
        if isNamed { #expect(leads[0].milliseconds / 1000 == seconds) }
        #expect(try await anna.store.read { try $0.summary().recordCount } == 1)
        let own = try await anna.create("exchange", write("title", "now"))
        let theirs = try await anna.store.read { try $0.history(of: nil, limit: 2) }.map(\.time)
        #expect((own.time < theirs.max()!) == isNamed)
        anna.world.advance(milliseconds: seconds * 1000)
        try await boris.create("exchange", write("title", "now too"))
        try await anna.pull(from: boris)
        #expect(try await anna.store.read { try $0.clockLeads() }.isEmpty)
    }
}
