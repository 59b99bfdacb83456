import ParleyCRDT
import ParleyModel
import ParleyStore
import Testing

/// Lists are right whatever is indexed, and equal to what reading every record gives.
@Suite struct ListingTests {
    private func founder() async throws -> TestNode {
        try await TestNode.founder(indexing: ["tags", "stage"])
    }

    private func titles(
        _ node: TestNode, type: String? = nil, _ filters: (String, String)...,
        deleted: Bool = false, sort: String? = nil, limit: Int = 0
    ) async throws -> [String] {
        let type = type.map(name)
        let sort = sort.map(name)
        let wanted = filters.map { (name($0.0), Array($0.1.utf8)) }
        return try await node.store.read { scope in
            try scope.list(type: type, filters: wanted, deleted: deleted, sort: sort, limit: limit)
                .map(\.document.title)
        }
    }

    @Test(arguments: [false, true])
    func filtersFindWhatIsShownNow(indexed: Bool) async throws {
        let anna = try await founder()
        let boris = try await anna.admitting("boris", seed: 2)
        for number in 1...6 {
            let node = number.isMultiple(of: 2) ? anna : boris
            node.world.advance(milliseconds: UInt64(1000 * number))
            try await node.create(
                number < 5 ? "exchange" : "note", write("title", "\(number)"),
                write("stage", number < 4 ? "agreed" : "completed"), add("tags", "t\(number % 3)"))
        }
        try await anna.pull(from: boris)
        if indexed { try await anna.store.index() }
        #expect(try await titles(anna) == ["6", "5", "4", "3", "2", "1"])
        #expect(try await titles(anna, limit: 2) == ["6", "5"])
        #expect(try await titles(anna, type: "exchange") == ["4", "3", "2", "1"])
        #expect(try await titles(anna, type: "exchange", limit: 3) == ["4", "3", "2"])
        #expect(try await titles(anna, ("stage", "agreed")) == ["3", "2", "1"])
        #expect(try await titles(anna, type: "note", ("stage", "completed")) == ["6", "5"])
        #expect(try await titles(anna, ("tags", "t1")) == ["4", "1"])
        #expect(try await titles(anna, ("tags", "t1"), ("stage", "agreed")) == ["1"])
        #expect(try await titles(anna, ("title", "5")) == ["5"])
        #expect(try await titles(anna, ("stage", "none")).isEmpty)
        #expect(try await titles(anna, type: "person").isEmpty)
        #expect(
            try await titles(anna, ("stage", "agreed"), sort: "title", limit: 2) == ["1", "2"])
    }

    @Test func editedValuesAreFoundBeforeAndAfterIndexing() async throws {
        let anna = try await founder()
        let id = try await #require(
            anna.create("exchange", write("title", "x"), write("stage", "agreed")).recordIDs[0])
        try await anna.store.index()
        try await anna.edit(id, write("stage", "completed"), add("tags", "sea"))
        for isIndexed in [false, true] {
            if isIndexed { try await anna.store.index() }
            #expect(try await titles(anna, ("stage", "agreed")).isEmpty)
            #expect(try await titles(anna, ("stage", "completed")) == ["x"])
            #expect(try await titles(anna, ("tags", "sea")) == ["x"])
        }
        try await anna.edit(id, delete)
        #expect(try await titles(anna, ("tags", "sea")).isEmpty)
        #expect(try await titles(anna, ("tags", "sea"), deleted: true) == ["x"])
        #expect(try await titles(anna, type: "exchange", deleted: true) == ["x"])
        try await anna.edit(id, restore)
        #expect(try await titles(anna, type: "exchange") == ["x"])
    }

    /// Values too long to be worth an index entry are found by reading.
    @Test(arguments: [256, 257])
    func longValuesAreFoundToo(count: Int) async throws {
        let anna = try await founder()
        let long = String(repeating: "s", count: count)
        try await anna.create("exchange", write("title", "x"), write("stage", long))
        try await anna.store.index()
        #expect(try await titles(anna, ("stage", long)) == ["x"])
    }

    /// Another set of fields makes the index anew; until then records are read.
    @Test func anotherSetOfFieldsMakesTheIndexAnew() async throws {
        let anna = try await founder()
        try await anna.create("exchange", write("title", "x"), write("place", "Odesa"))
        try await anna.store.index()
        let again = try await anna.reopened(indexing: ["place"])
        #expect(try await again.store.read { try $0.indexBacklog() } == 1)
        #expect(try await titles(again, ("place", "Odesa")) == ["x"])
        try await again.store.index()
        #expect(try await titles(again, ("place", "Odesa")) == ["x"])
        #expect(try await again.store.read { try $0.find(words: "odesa", limit: 0) }.count == 1)
        let third = try await again.reopened(indexing: ["place"])
        #expect(try await third.store.read { try $0.indexBacklog() } == 0)
    }
}
