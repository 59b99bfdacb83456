import ParleyCRDT
import ParleyControl
import ParleyNode
import ParleyStore
import ParleyWire
import Testing

/// Finding records and reading what happened to them.
@Suite struct LookCommandTests {
    @Test func unknownAndShortIDsAreRefused() async throws {
        let desk = try await Desk.founder()
        let made = await desk.perform(.new("note", "title=x"))
        #expect(await desk.perform(.show(String(made.record.prefix(4)))).exitCode == 0)
        #expect(await desk.perform(.show(made.record.uppercased())).exitCode == 0)
        #expect(await desk.perform(.show(String(made.record.prefix(3)))).exitCode == 1)
        #expect(await desk.perform(.show("zzzz")).exitCode == 3)
        #expect(await desk.perform(.show(made.record + "00")).exitCode == 3)
        let other = made.record.hasPrefix("0000") ? "ffff" : "0000"
        #expect(await desk.perform(.show(other)).exitCode == 3)
    }

    @Test func lastIsUnknownAtFirst() async throws {
        let desk = try await Desk.founder()
        #expect(await desk.perform(.show("@last")).exitCode == 3)
    }

    /// 1,500 records make a shared beginning of four digits all but certain; the IDs follow from
    /// random keys, so the pair is looked for.
    @Test func anAmbiguousBeginningListsCandidatesWithoutTitles() async throws {
        let desk = try await Desk.founder()
        let line = #"{"type":"note","fields":{"title":"Secret"}}"#
        var prefix: String?
        while prefix == nil {
            _ = await desk.perform(
                .importLines(firstLine: 1, lines: Array(repeating: line, count: 1500)))
            let listed = await desk.perform(.list(type: nil, filters: [], sort: nil, limit: 0))
            let prefixes = (listed.json?.items ?? []).compactMap { $0["record"].content?.prefix(4) }
            prefix = Dictionary(grouping: prefixes) { $0 }.first { $0.value.count > 1 }
                .map { String($0.key) }
        }
        let result = await desk.perform(.show(prefix ?? ""))
        #expect(result.exitCode == 1)
        #expect(result.error.contains("(note), "))
        #expect(!result.error.contains("Secret"))
    }

    @Test func listFiltersSortsAndLimits() async throws {
        let desk = try await Desk.founder()
        _ = await desk.perform(.new("exchange", "title=b", "stage=completed", "tags+=x"))
        _ = await desk.perform(.new("exchange", "title=a", "stage=completed"))
        _ = await desk.perform(.new("exchange", "title=c", "stage=agreed"))
        _ = await desk.perform(.new("note", "title=d"))
        func titles(_ request: Request) async -> [String?] {
            (await desk.perform(request).json?.items ?? []).map { $0["title"].content }
        }
        let stage = Request.Assignment(typed: "stage=completed")
        #expect(
            await titles(.list(type: "exchange", filters: [stage], sort: "title", limit: 100))
                == ["a", "b"])
        #expect(
            await titles(.list(type: "exchange", filters: [], sort: "title", limit: 2)) == [
                "a", "b",
            ])
        #expect(await titles(.list(type: nil, filters: [], sort: nil, limit: 0)).count == 4)
        let tag = Request.Assignment(typed: "tags=x")
        #expect(await titles(.list(type: nil, filters: [tag], sort: nil, limit: 100)) == ["b"])
        let wrong = await desk.perform(
            .list(type: "exchange", filters: [], sort: "titel", limit: 100))
        #expect(wrong.exitCode == 1 && wrong.error.contains("`title`"))
        let anywhere = await desk.perform(
            .list(type: nil, filters: [.init(typed: "stagee=x")], sort: nil, limit: 100))
        #expect(anywhere.exitCode == 1 && anywhere.error.contains("`stage`"))
    }

    @Test func findReportsTheMatch() async throws {
        let desk = try await Desk.founder()
        let made = await desk.perform(
            .new("exchange", "title=Sweida", "narrative=Buses left Adra at noon"))
        let found = await desk.perform(.find(words: "adra", limit: 100))
        #expect(found.json?.items.map { $0["record"].content } == [made.record])
        #expect(found.json?.items.first?["title"].content == "Sweida")
        #expect(found.json?.items.first?["match"].content?.contains("Adra") == true)
    }

    @Test func theLogSaysWhoDidWhatAndWhy() async throws {
        let desk = try await Desk.founder()
        let made = await desk.perform(.new("exchange", "title=x", "parties+=A"))
        _ = await desk.perform(.edit(made.record, "title=y", "parties-=A", because: "typing error"))
        _ = await desk.perform(.new("note", "title=other"))
        let log = await desk.perform(.log(record: made.record, limit: 0)).json?.items ?? []
        #expect(log.count == 2)
        #expect(log[0]["because"].content == "typing error")
        #expect(log[0]["by"].content == "Nour")
        #expect(log[1]["change"].content == made.change)
        let steps = log.map { $0["operations"]?.items.map { $0["op"].content } ?? [] }
        #expect(steps == [["set", "remove"], ["create", "set", "add"]])
        #expect(log[0]["operations"]?.items[0]["value"].content == "y")
        #expect(log[0]["operations"]?.items[0]["record"].content == made.record)
        let all = await desk.perform(.log(record: nil, limit: 0)).json?.items ?? []
        #expect(all.last?["operations"]?.items.first?["op"].content == "found")
    }

    @Test func aRecordIsShownAsItWas() async throws {
        let desk = try await Desk.founder()
        let made = await desk.perform(.new("exchange", "place=first"))
        desk.clock.set("2026-02-26T11:00Z")
        _ = await desk.perform(.edit(made.record, "place=second"))
        func place(_ moment: String) async -> String? {
            await desk.perform(.show(record: made.record, at: moment)).json?["fields"]?["place"]
                .content
        }
        #expect(await place(made.change) == "first")
        #expect(await place("2026-02-26T10:30Z") == "first")
        #expect(await place("2026-02-26") == "second")
        #expect(await place("٢٠٢٦-٠٢-٢٦T١٠:٣٠Z") == "first")
        #expect(await desk.perform(.show(record: made.record, at: "2026-02-25")).exitCode == 3)
        #expect(await desk.perform(.show(record: made.record, at: "yesterday")).exitCode == 1)
        #expect(await desk.perform(.show(record: made.record, at: "0000:99")).exitCode == 3)
    }

    /// A conflict that has been settled since is one in the past all the same.
    @Test func aRecordIsShownWithTheConflictsItHad() async throws {
        let nour = try await Desk.founder("Nour")
        let ali = try await nour.admitting("Ali")
        let made = await nour.perform(.new("exchange", "place=first"))
        try await ali.pull(from: nour)
        nour.clock.set("2026-02-26T10:42Z")
        ali.clock.set("2026-02-26T10:58Z")
        let one = await nour.perform(.edit(made.record, "place=Adra", because: "Reuters"))
        _ = await ali.perform(.edit(made.record, "place=Damascus"))
        try await nour.meet(ali)
        let open = await nour.perform(.show(made.record))
        nour.clock.set("2026-02-26T12:00Z")
        _ = await nour.perform(.take(one.change, made.record, "place"))
        #expect(await nour.perform(.show(made.record)).exitCode == 0)

        let past = await nour.perform(.show(record: made.record, at: "2026-02-26T11:00Z"))
        #expect(past.exitCode == 4)
        #expect(past.json?["conflicts"]?.text == open.json?["conflicts"]?.text)
        #expect(past.json?["fields"]?.text == open.json?["fields"]?.text)
        // As Nour knew it when she wrote, there was no conflict.
        let alone = await nour.perform(.show(record: made.record, at: one.change))
        #expect(alone.exitCode == 0)
        #expect(alone.json?["conflicts"]?.items.isEmpty == true)
    }

    /// Asking what a record is called, as `delete` does, shows nobody its conflicts: a value that
    /// arrived since somebody looked stays when the conflict is settled.
    @Test func namingARecordCountsAsNoLook() async throws {
        let nour = try await Desk.founder("Nour")
        let (ali, mona) = (try await nour.admitting("Ali"), try await nour.admitting("Mona"))
        let made = await nour.perform(.new("exchange", "title=Sweida"))
        for desk in [ali, mona] { try await desk.pull(from: nour) }
        let one = await nour.perform(.edit(made.record, "place=Adra"))
        _ = await ali.perform(.edit(made.record, "place=Damascus"))
        _ = await mona.perform(.edit(made.record, "place=Homs"))
        try await nour.pull(from: ali)
        _ = await nour.perform(.show(made.record))
        try await nour.pull(from: mona)
        let named = await nour.perform(.nameRecord(String(made.record.prefix(8))))
        #expect(
            named.json?.text
                == #"{"record":"\#(made.record)","type":"exchange","title":"Sweida"}"#)
        _ = await nour.perform(.take(one.change, made.record, "place"))
        let left = await nour.perform(.showConflict(record: made.record, field: "place"))
        #expect(
            left.json?["values"]?.items.compactMap { $0["value"].content }.sorted()
                == ["Adra", "Homs"])
    }

    @Test func theLogMarksWhatLiesBeyondARevocation() async throws {
        let nour = try await Desk.founder()
        let ali = try await nour.admitting("Ali")
        let before = await ali.perform(.new("note", "title=before"))
        try await nour.pull(from: ali)
        _ = try await nour.store.write { try $0.revoke(ali.store.origin.node) }
        let beyond = await ali.perform(.new("note", "title=beyond"))
        try await nour.meet(ali)
        for desk in [nour, ali] {
            let log = await desk.perform(.log(record: nil, limit: 0)).json?.items ?? []
            let void = log.filter { $0["void"]?.text == "true" }.map { $0["change"].content }
            #expect(void == [beyond.change])
            #expect(log.contains { $0["change"].content == before.change })
        }
    }

    @Test func theCasebookNamesItsMembers() async throws {
        let nour = try await Desk.founder()
        _ = try await nour.admitting("Ali", role: .reader)
        let shown = await nour.perform(.showCasebook).json
        #expect(shown?.names == ["casebook", "name", "role", "members", "coordinators"])
        #expect(shown?["role"].content == "coordinator")
        #expect(shown?["members"]?.items.map { $0["name"].content } == ["Ali", "Nour"])
    }
}
