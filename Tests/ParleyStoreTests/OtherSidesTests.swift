import ParleyCRDT
import ParleyModel
import ParleyStore
import Testing

/// What isn't shown because somebody has to choose, and what isn't shown any more, is found all the same.
@Suite struct OtherSidesTests {
    /// A record whose place is disputed, seen from `anna`.
    private static func disputed() async throws -> (anna: TestNode, id: RecordID) {
        let anna = try await TestNode.founder(indexing: ["place"])
        let boris = try await anna.admitting("boris", seed: 2)
        let id = try await #require(
            anna.create("exchange", write("title", "swap"), write("place", "Sweida"))
                .recordIDs[0])
        try await anna.create("exchange", write("title", "another"), write("place", "Homs"))
        try await boris.pull(from: anna)
        try await boris.edit(id, write("place", "Adra prison"))
        try await anna.edit(id, write("place", "Damascus"))
        try await anna.pull(from: boris)
        return (anna, id)
    }

    @Test(arguments: [false, true])
    func aFilterFindsEverySideOfAConflict(indexed: Bool) async throws {
        let (anna, id) = try await Self.disputed()
        if indexed { try await anna.store.index() }
        try await anna.store.read { scope in
            let record = try #require(try scope.record(id))
            let register = try #require(
                record.state.registers.first { $0.name == name("place") })
            let shown = try #require(record.shown(in: register.content))
            let places = ["Damascus", "Adra prison"]
            #expect(register.content.distinctValues.count == 2)
            for place in places {
                for sort in [nil, name("title")] {
                    let found = try scope.list(
                        type: name("exchange"),
                        filters: [
                            (name("place"), Array(place.utf8)), (name("title"), Array("swap".utf8)),
                        ],
                        sort: sort, limit: 0)
                    #expect(found.map(\.id) == [id])
                    let isShown = shown.value == text(place)
                    #expect(found.first?.otherSides == (isShown ? [] : [name("place")]))
                }
            }
            for filters in [
                [("place", "Sweida")], [("place", "Adra prison"), ("title", "another")],
            ] {
                #expect(
                    try scope.list(
                        type: nil, filters: filters.map { (name($0.0), Array($0.1.utf8)) },
                        sort: nil,
                        limit: 0
                    ).isEmpty)
            }
        }
    }

    @Test(arguments: [false, true])
    func aSearchSaysWhichSideItFound(indexed: Bool) async throws {
        let (anna, id) = try await Self.disputed()
        if indexed { try await anna.store.index() }
        let hits = try await anna.store.read { scope in
            try ["damascus", "adra"].flatMap { try scope.find(words: $0, limit: 0) }
        }
        #expect(hits.map(\.id) == [id, id])
        #expect(hits.count { $0.otherSide == name("place") } == 1)
        #expect(hits.count { $0.otherSide == nil } == 1)
    }

    /// The words around a match in a long text.
    @Test func aMatchIsShownWithWhatStandsAround() async throws {
        let anna = try await TestNode.founder()
        let words = (0..<80).map { "word\($0)" }
        try await anna.create("note", write("note", words.joined(separator: " ")))
        for (word, lead, end) in [
            ("word0", false, true), ("word40", true, true), ("word79", true, false),
        ] {
            let hits = try await anna.store.read { try $0.find(words: word, limit: 0) }
            let match = try #require(hits.first?.match)
            #expect(match.contains(word))
            #expect(match.contains("… ") == lead)
            #expect(match.hasSuffix(" …") == end)
        }
    }

    /// A conflict that opens after its record was indexed is found while the record waits to be indexed
    /// anew and afterwards, and its other side no more once it is settled.
    @Test func otherSidesAreFoundAsTheyComeAndGo() async throws {
        let anna = try await TestNode.founder(indexing: ["place"])
        let boris = try await anna.admitting("boris", seed: 2)
        let id = try await #require(
            anna.create("exchange", write("title", "swap"), write("place", "Sweida")).recordIDs[0])
        try await boris.pull(from: anna)
        try await anna.store.index()
        func found() async throws -> [[RecordID]] {
            try await anna.store.read { scope in
                try ["Adra", "Homs"].flatMap { place in
                    [
                        // A word of the side that isn't shown together with one that is.
                        try scope.find(words: "\(place) swap", limit: 5).map(\.id),
                        try scope.list(
                            type: nil, filters: [(name("place"), Array(place.utf8))], sort: nil,
                            limit: 5
                        ).map(\.id),
                    ]
                }
            }
        }
        #expect(try await found() == [[], [], [], []])
        try await boris.edit(id, write("place", "Adra"))
        try await anna.edit(id, write("place", "Homs"))
        try await anna.pull(from: boris)
        #expect(try await found() == [[id], [id], [id], [id]])
        try await anna.store.index()
        #expect(try await found() == [[id], [id], [id], [id]])
        #expect(try await anna.store.audit().findings == [])
        let record = try await #require(anna.record(id))
        let sides = record.state.registers.first { $0.name == name("place") }?.content.entries
        let drops = try await anna.store.read { scope in
            try (sides ?? []).map { try scope.reference(to: $0.dot) }
        }
        try await anna.edit(
            id,
            Operation(.resolve, field: name("place"), values: [text("Homs")], drops: drops))
        for _ in 0..<2 {
            #expect(try await found() == [[], [], [id], [id]])
            try await anna.store.index()
        }
    }

    /// An index that doesn't lead to every side lacks something.
    @Test(arguments: ["Damascus", "Adra prison"])
    func aSideThatIsNotIndexedIsNoticed(place: String) async throws {
        let (anna, _) = try await Self.disputed()
        try await anna.store.index()
        #expect(try await anna.store.audit().findings == [])
        try await anna.store.close()
        try SQLiteFile(anna.path).run(
            "DELETE FROM field_value WHERE field = 1 AND value = CAST('\(place)' AS BLOB)")
        let again = try anna.opened(indexing: ["place"])
        #expect(try await again.store.audit().counts.keys.map { $0 } == [.index])
    }

    /// Neither a search nor a filter reads conflicts that have nothing to do with it.
    @Test func otherConflictsAreNotRead() async throws {
        let (anna, id) = try await Self.disputed()
        try await anna.store.index()
        try await anna.store.close()
        // What is beside the document of a record in conflict can't be read any more.
        try SQLiteFile(anna.path).run("UPDATE record SET side = x'ff' WHERE side IS NOT NULL")
        let again = try anna.opened(indexing: ["place"])
        let places = try await again.store.read { scope in
            let filter = (name("place"), Array("Homs".utf8))
            return [
                try scope.find(words: "homs", limit: 5).count,
                try scope.list(type: nil, filters: [filter], sort: nil, limit: 5).count,
            ]
        }
        #expect(places == [1, 1])
        await #expect(throws: StoreError.self) {
            try await again.store.read { try $0.record(id) }
        }
    }

    @Test func anErasedRecordIsNamedByTheBeginningOfItsID() async throws {
        let (anna, id) = try await Self.disputed()
        try await anna.erase(id)
        try await anna.store.read { scope in
            #expect(
                try scope.erasedRecords(withPrefix: String(id.text.prefix(6)).uppercased()) == [id])
            #expect(try scope.erasedRecords(withPrefix: "") == [id])
            let taken = try #require(try scope.erasure(of: id))
            #expect(taken.author == anna.store.origin.node)
            #expect(try scope.takingsBack() == [taken])
        }
    }
}
