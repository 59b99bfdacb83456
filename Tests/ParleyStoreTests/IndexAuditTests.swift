import ParleyCRDT
import ParleyModel
import ParleyStore
import Testing

/// Damage that SQLite doesn't see: tables that aren't as they were made, and an index that lacks what is
/// in the casebook.
@Suite struct IndexAuditTests {
    /// An indexed casebook, its file closed.
    private static func indexed() async throws -> TestNode {
        let anna = try await TestNode.founder(indexing: ["place"])
        for number in 0..<3 {
            try await anna.create(
                "exchange", write("title", "swap \(number)"), write("place", "Sweida"))
        }
        try await anna.store.index()
        try await anna.store.close()
        return anna
    }

    private static func damage(after sql: String) async throws -> [String] {
        let anna = try await indexed()
        try SQLiteFile(anna.path).run(sql)
        let again = try anna.opened(indexing: ["place"])
        defer { Task { try? await again.store.close() } }
        return try await again.store.damage(by: .pages)
    }

    @Test func aFileIsAsItWasMade() async throws {
        #expect(try await Self.damage(after: "SELECT 1") == [])
        #expect(try await Self.damage(after: "DELETE FROM search_entry") == [])
    }

    @Test func aTableThatIsGoneIsNamed() async throws {
        let damage = try await Self.damage(after: "DROP TABLE search_0")
        #expect(damage.first == "the table search_0 is missing")
        #expect(damage.count == 5, "with the four that belong to it")
        #expect(
            try await Self.damage(after: "DROP TABLE receipt")
                == ["the table receipt is missing"])
    }

    @Test func aTableThatWasMadeOtherwiseIsNamed() async throws {
        let damage = try await Self.damage(
            after: """
                DROP TABLE search_queue; CREATE TABLE search_queue (n INTEGER)
                """)
        #expect(damage == ["the table search_queue isn't as it was made"])
    }

    @Test func whatNobodyMadeIsCountedAndNotNamed() async throws {
        let damage = try await Self.damage(after: "CREATE TABLE secret (name TEXT)")
        #expect(damage == ["tables or indexes that nobody made: 1"])
    }

    /// A turned bit must not make a search ask for a million million tables.
    @Test(arguments: [Int64.max, 1 << 40, -1])
    func anEntryNobodyCanHaveMadeIsDamage(entry: Int64) async throws {
        let anna = try await Self.indexed()
        try SQLiteFile(anna.path).run(
            "UPDATE search_entry SET entry = \(entry) WHERE entry = 3; DELETE FROM search_entry WHERE entry = 1 OR entry = 2"
        )
        let again = try anna.opened(indexing: ["place"])
        await #expect(throws: StoreError.damaged("the search index")) {
            try await again.store.read { try $0.find(words: "swap", limit: 0).count }
        }
        await #expect(throws: StoreError.damaged("the search index")) {
            try await again.store.damage(by: .pages)
        }
    }

    @Test func aNumberFarFromTheOthersIsDamage() async throws {
        #expect(
            try await Self.damage(after: "UPDATE search_entry SET entry = 400000 WHERE entry = 3")
                == ["the search index has numbers it can't have come to"])
    }

    @Test(
        arguments: [
            "DELETE FROM search_entry WHERE entry = 2", "DELETE FROM search_0_docsize WHERE id = 2",
            "DELETE FROM field_value WHERE field = 1",
            "UPDATE field_value SET value = X'41' WHERE field = 1",
        ])
    func whatIsNotFoundIsCountedAndIndexedAnew(sql: String) async throws {
        let anna = try await Self.indexed()
        try SQLiteFile(anna.path).run(sql)
        let again = try anna.opened(indexing: ["place"])
        let report = try await again.store.audit()
        #expect(report.counts.keys.map { $0 } == [.index], "\(report.findings)")
        try await again.store.forgetIndex()
        #expect(try await again.store.audit().findings == [])
        try await again.store.index()
        #expect(try await again.store.audit().findings == [])
        #expect(try await again.store.damage(by: .indexes) == [])
        #expect(
            try await again.store.read { try $0.find(words: "swap Sweida", limit: 0).count } == 3)
    }

    /// What waits to be indexed is read instead, so nothing lacks.
    @Test func whatWaitsToBeIndexedIsNoDamage() async throws {
        let anna = try await Self.indexed().opened(indexing: ["place"])
        let id = try await #require(
            anna.create("exchange", write("title", "later"), write("place", "Adra")).recordIDs[0])
        #expect(try await anna.store.audit().findings == [])
        try await anna.store.index()
        try await anna.edit(id, write("place", "Damascus"))
        #expect(try await anna.store.audit().findings == [])
    }
}
