import ParleyCRDT
import ParleyModel
import ParleyStore
import Testing

/// Finding words whatever their spelling, indexed or not.
@Suite struct SearchTests {
    private func titles(_ words: String, in node: TestNode) async throws -> [String] {
        try await node.store.read { try $0.find(words: words, limit: 0).map(\.title) }
    }

    @Test(arguments: [false, true])
    func findsArabicWithoutItsMarksAndVariants(indexed: Bool) async throws {
        let anna = try await TestNode.founder()
        try await anna.create("person", write("name", "أَحْمَد مُصطفى"))
        try await anna.create("place", write("title", "مدرسة الـحريّة"))
        if indexed { try await anna.store.index() }
        #expect(try await titles("احمد", in: anna) == ["أَحْمَد مُصطفى"])
        #expect(try await titles("مصطفي", in: anna) == ["أَحْمَد مُصطفى"])
        #expect(try await titles("مدرسه الحرية", in: anna) == ["مدرسة الـحريّة"])
        #expect(try await titles("إحمد مدرسة", in: anna).isEmpty)
    }

    @Test(arguments: [false, true])
    func findsAccentedLatinAndKeepsCyrillicLettersApart(indexed: Bool) async throws {
        let anna = try await TestNode.founder()
        try await anna.create("person", write("name", "Zoë Łukasz Müller"))
        try await anna.create("person", write("name", "Горький"))
        if indexed { try await anna.store.index() }
        #expect(try await titles("zoe LUKASZ muller", in: anna) == ["Zoë Łukasz Müller"])
        #expect(try await titles("Zoe\u{301}", in: anna) == ["Zoë Łukasz Müller"])
        #expect(try await titles("горький", in: anna) == ["Горький"])
        #expect(try await titles("горькии", in: anna).isEmpty)
    }

    @Test(arguments: [false, true])
    func findsWhatIsShownNowAndNotWhatWas(indexed: Bool) async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(
            anna.create("exchange", write("title", "first wording"), add("tags", "sea")).recordIDs[
                0])
        try await anna.store.index()
        try await anna.edit(id, write("title", "second text"))
        if indexed { try await anna.store.index() }
        #expect(try await titles("wording", in: anna).isEmpty)
        #expect(try await titles("second SEA", in: anna) == ["second text"])
        try await anna.edit(id, delete)
        #expect(try await titles("second", in: anna).isEmpty)
    }

    @Test func wordsAreNeverTakenForQuerySyntax() async throws {
        let anna = try await TestNode.founder()
        try await anna.create("exchange", write("title", "near OR not \"quoted\""))
        try await anna.store.index()
        #expect(try await titles("OR", in: anna).count == 1)
        #expect(try await titles("\"quoted\" NOT", in: anna).count == 1)
        #expect(try await titles("near*", in: anna).count == 1)
        #expect(try await titles("nea*", in: anna).isEmpty)
        #expect(try await titles("*", in: anna).isEmpty)
    }

    /// Words that many records have are looked for in the newest ones, and in the index where that
    /// doesn't lead to enough of them.
    @Test(arguments: ["swap", "early", "swap early", "bertil"])
    func wordsThatManyHaveAreFoundAsAnyOthers(words: String) async throws {
        let anna = try await TestNode.founder()
        let bertil = try await anna.admitting("bertil", seed: 2)
        for node in [anna, bertil] {
            try await node.store.write { scope in
                for number in 1...4_500 {
                    let age = number <= 4_200 ? "early" : "late"
                    let owner = node.path == anna.path ? "anna" : "bertil"
                    _ = try scope.append([
                        .creation(
                            type: name("exchange"),
                            [write("title", "swap \(number) \(age) \(owner)")])
                    ])
                }
            }
        }
        try await anna.pull(from: bertil)
        try await anna.store.index()
        try await anna.create("exchange", write("title", "swap of today"))
        let (few, all) = try await anna.store.read { scope in
            (try scope.find(words: words, limit: 5), try scope.find(words: words, limit: 0))
        }
        #expect(few == Array(all.prefix(5)))
        #expect(all.count > 4_000)
        // As many as anybody can ask for.
        let most = try await anna.store.read { try $0.find(words: words, limit: .max - 1) }
        #expect(most == all)
    }

    @Test func hitsAreNewestFirstAndLimited() async throws {
        let anna = try await TestNode.founder()
        for number in 1...5 {
            try await anna.create("exchange", write("title", "swap \(number)"))
            if number == 3 { try await anna.store.index() }
        }
        #expect(try await titles("swap", in: anna) == (1...5).reversed().map { "swap \($0)" })
        let two = try await anna.store.read { try $0.find(words: "swap", limit: 2) }
        #expect(two.map(\.title) == ["swap 5", "swap 4"])
        #expect(two[0].match == "title: swap 5")
    }

    /// With several logs every record is indexed once, and only what isn't yet counts as waiting.
    @Test func everyRecordIsIndexedOnce() async throws {
        let anna = try await TestNode.founder()
        let basil = try await anna.admitting("basil", seed: 2)
        let chadia = try await anna.admitting("chadia", seed: 3)
        for (number, writer) in [anna, basil, anna, chadia, basil].enumerated() {
            try await writer.create("person", write("name", "number \(number)"))
            try await anna.pull(from: writer)
            #expect(try await anna.store.read { try $0.indexBacklog() } == 1)
            try await anna.store.index()
            #expect(try await anna.store.read { try $0.indexBacklog() } == 0)
        }
        try await anna.store.close()
        let file = SQLiteFile(anna.path)
        #expect(try file.number("SELECT count(*) FROM search_entry") == 5)
        #expect(try file.number("SELECT count(DISTINCT n) FROM search_entry") == 5)
    }
}
