import ParleyControl
import ParleyModel
import ParleyNode
import ParleyStore
import ParleyWire
import Testing

/// Making, editing, deleting and restoring one record on one node.
@Suite struct EditCommandTests {
    @Test func aNewRecordIsShownAsEntered() async throws {
        let desk = try await Desk.founder()
        let made = await desk.perform(
            .new(
                "exchange", "title=Sweida", "date=2026-02-26", "mediators+=ICRC", "released_by_a=61"
            ))
        #expect(made.exitCode == 0)
        #expect(made.json?.names == ["record", "change"])
        let shown = await desk.perform(.show(made.record))
        #expect(shown.exitCode == 0)
        #expect(shown.json?.names == ["record", "type", "state", "fields", "conflicts", "changed"])
        #expect(shown.json?["state"].content == "live")
        #expect(
            shown.json?["fields"]?.text
                == #"{"title":"Sweida","date":"2026-02-26","mediators":["ICRC"],"released_by_a":"61"}"#
        )
        #expect(shown.json?["changed"]?["by"].content == "Nour")
        #expect(shown.json?["changed"]?["at"].content == "2026-02-26T10:00:00.000Z")
        #expect(shown.json?["changed"]?["change"].content == made.change)
    }

    @Test func anEditWritesAddsRemovesAndUnsets() async throws {
        let desk = try await Desk.founder()
        _ = await desk.perform(
            .new("exchange", "title=Sweida", "place=Adra", "parties+=A", "parties+=B", "note=x"))
        let edited = await desk.perform(
            .edit("@last", "place=Damascus", "parties-=B", "parties+=C", "note:="))
        #expect(edited.exitCode == 0)
        let shown = await desk.perform(.show("@last"))
        #expect(
            shown.json?["fields"]?.text
                == #"{"title":"Sweida","place":"Damascus","parties":["A","C"]}"#)
    }

    @Test(arguments: [
        ["title=Sweida"], ["parties+=A"], ["note:="], ["tags:="], ["title=Sweida", "parties+=B"],
        ["place=Ale\u{301}p"],
    ])
    func anEditThatChangesNothingWritesNothing(typed: [String]) async throws {
        let desk = try await Desk.founder()
        let made = await desk.perform(
            .new("exchange", "title=Sweida", "parties+=A", "parties+=B", "place=Al\u{E9}p"))
        let assignments = typed.map(Request.Assignment.init(typed:))
        let edited = await desk.perform(
            .edit(record: made.record, assignments: assignments, because: "no difference"))
        #expect(edited.exitCode == 0)
        #expect(edited.json?.text == #"{"record":"\#(made.record)","change":null}"#)
        #expect(await desk.perform(.log(record: nil, limit: 0)).json?.items.count == 2)
    }

    @Test func anEditWritesOnlyWhatItChanges() async throws {
        let desk = try await Desk.founder()
        _ = await desk.perform(.new("exchange", "title=Sweida", "parties+=A"))
        _ = await desk.perform(
            .edit("@last", "title=Sweida", "place=Adra", "parties+=A", "parties+=B"))
        let log = await desk.perform(.log(record: "@last", limit: 1)).json?.items ?? []
        let steps = log.first?["operations"]?.items ?? []
        #expect(steps.map { $0["field"].content } == ["place", "parties"])
        #expect(steps.map { $0["value"].content } == ["Adra", "B"])
    }

    /// What is shown of a field in conflict is one of its values; typing it settles nothing.
    @Test func typingTheShownValueOfAConflictIsStillRefused() async throws {
        let nour = try await Desk.founder("Nour")
        let ali = try await nour.admitting("Ali")
        let made = await nour.perform(.new("exchange", "title=x"))
        try await ali.pull(from: nour)
        _ = await nour.perform(.edit(made.record, "place=Adra"))
        _ = await ali.perform(.edit(made.record, "place=Damascus"))
        try await nour.meet(ali)
        let shown = await nour.perform(.show(made.record)).json?["fields"]?["place"].content
        let edited = await nour.perform(.edit(made.record, "place=\(shown ?? "")"))
        #expect(edited.exitCode == 1)
        #expect(edited.error.contains("parley conflict resolve"))
    }

    @Test(arguments: [
        (["parties:="], nil), (["parties:=", "parties+=C"], #"["C"]"#),
        (["parties+=C", "parties:="], #"["C"]"#), (["parties:=", "parties+=A"], #"["A"]"#),
    ])
    func clearingASetLeavesOnlyWhatIsAddedWithIt(typed: [String], left: String?) async throws {
        let desk = try await Desk.founder()
        _ = await desk.perform(.new("exchange", "title=x", "parties+=A", "parties+=B"))
        let assignments = typed.map(Request.Assignment.init(typed:))
        let edited = await desk.perform(
            .edit(record: "@last", assignments: assignments, because: nil))
        #expect(edited.exitCode == 0, "\(edited.error)")
        let shown = await desk.perform(.show("@last"))
        #expect(shown.json?["fields"]?["parties"]?.text == left)
    }

    /// An element that somebody adds meanwhile wasn't on the screen, so it stays.
    @Test func clearingASetRemovesWhatWasSeen() async throws {
        let nour = try await Desk.founder("Nour")
        let ali = try await nour.admitting("Ali")
        let made = await nour.perform(.new("exchange", "title=x", "parties+=A"))
        try await ali.pull(from: nour)
        _ = await nour.perform(.edit(made.record, "parties:="))
        _ = await ali.perform(.edit(made.record, "parties+=B"))
        try await nour.meet(ali)
        for desk in [nour, ali] {
            let shown = await desk.perform(.show(made.record))
            #expect(shown.json?["fields"]?["parties"]?.text == #"["B"]"#)
        }
    }

    @Test func textIsComposedOnEntry() async throws {
        let desk = try await Desk.founder()
        _ = await desk.perform(.new("exchange", "place=Ale\u{301}p"))
        let shown = await desk.perform(.show("@last"))
        let place = try #require(shown.json?["fields"]?["place"].content)
        #expect(Array(place.utf8) == Array("Al\u{E9}p".utf8))
    }

    @Test func sensitiveFieldsAreFlaggedInTheLog() async throws {
        let desk = try await Desk.founder()
        let made = await desk.perform(.new("person", "name=Detainee 1", "note=seen"))
        let id = try #require(RecordID(text: made.record))
        let changes = try await desk.store.read { try $0.history(of: id, limit: 1) }
        guard case .operations(_, let operations)? = changes.first?.change.groups.first?.content
        else {
            Issue.record("no operations")
            return
        }
        #expect(operations.map(\.isSensitive) == [true, false])
    }

    @Test func referencesAreCompletedAndChecked() async throws {
        let desk = try await Desk.founder()
        let exchange = await desk.perform(.new("exchange", "title=X1"))
        let leg = await desk.perform(.new("leg", "exchange=\(exchange.record.prefix(8))"))
        let shown = await desk.perform(.show(leg.record))
        #expect(shown.json?["fields"]?["exchange"].content == exchange.record)
        let wrong = await desk.perform(.new("leg", "exchange=ffff0000"))
        #expect(wrong.exitCode == 3)
    }

    @Test(arguments: [
        (["titel=x"], "`title`"), (["date=2026-02-30"], "`mid-July 2025`"),
        (["released_by_a=lots"], "`25-30`"), (["parties=A"], "`parties+=ELEMENT`"),
        (["parties:=", "parties:="], "given twice"), (["place+=A"], "`place=VALUE`"),
        (["parties-=A", "parties:="], "given twice"), (["parties:=", "parties-=A"], "given twice"),
        (["place=A", "place=B"], "given twice"), (["parties+=A", "parties+=A"], "given twice"),
        (["place="], "empty"), (["place=a\u{7}"], "control character"),
    ])
    func wrongInputIsRefusedWithWhatToType(typed: [String], hint: String) async throws {
        let desk = try await Desk.founder()
        let request = Request.new("exchange", "title=Sweida")
        _ = await desk.perform(request)
        let assignments = typed.map(Request.Assignment.init(typed:))
        let made = await desk.perform(
            .new(type: "exchange", assignments: assignments, because: nil))
        let edited = await desk.perform(
            .edit(record: "@last", assignments: assignments, because: nil))
        for result in [made, edited] {
            #expect(result.exitCode == 1)
            #expect(result.error.contains(hint), "\(result.error)")
            #expect(result.json == nil)
        }
        #expect(await desk.perform(.log(record: nil, limit: 0)).json?.items.count == 2)
    }

    @Test(arguments: [[], ["note:="], ["tags:="]])
    func anEmptyRecordIsRefused(typed: [String]) async throws {
        let desk = try await Desk.founder()
        let assignments = typed.map(Request.Assignment.init(typed:))
        let made = await desk.perform(
            .new(type: "facility", assignments: assignments, because: nil))
        #expect(made.exitCode == 1)
        #expect(made.error.contains("`parley new facility name=...`"))
        #expect(await desk.perform(.log(record: nil, limit: 0)).json?.items.count == 1)
    }

    @Test func aMistypedTypeIsSuggested() async throws {
        let desk = try await Desk.founder()
        let result = await desk.perform(.new("exchnage", "title=x"))
        #expect(result.exitCode == 1)
        #expect(result.error.contains("Did you mean `exchange`?"))
    }

    @Test func removingWhatIsNotThereIsRefused() async throws {
        let desk = try await Desk.founder()
        _ = await desk.perform(.new("exchange", "parties+=A"))
        let result = await desk.perform(.edit("@last", "parties-=Secret"))
        #expect(result.exitCode == 1)
        #expect(!result.error.contains("Secret"))
    }

    @Test func deletedRecordsAreRestoredBeforeTheyAreEdited() async throws {
        let desk = try await Desk.founder()
        let made = await desk.perform(.new("exchange", "title=x"))
        #expect(await desk.perform(.restore(record: made.record, because: nil)).exitCode == 1)
        #expect(await desk.perform(.delete(record: made.record, because: "twice")).exitCode == 0)
        #expect(await desk.perform(.delete(record: made.record, because: nil)).exitCode == 1)
        let edited = await desk.perform(.edit(made.record, "title=y"))
        #expect(edited.exitCode == 1)
        #expect(edited.error.contains("parley restore \(made.record.prefix(8))"))
        #expect(await desk.perform(.show(made.record)).json?["state"].content == "deleted")
        #expect(await desk.perform(.restore(record: made.record, because: nil)).exitCode == 0)
        #expect(await desk.perform(.edit(made.record, "title=y")).exitCode == 0)
    }

    @Test func readersMayLookAndNotWrite() async throws {
        let nour = try await Desk.founder()
        let made = await nour.perform(.new("exchange", "title=x"))
        let guest = try await nour.admitting("Guest", role: .reader)
        #expect(await guest.perform(.show(made.record)).exitCode == 0)
        #expect(await guest.perform(.edit(made.record, "title=y")).exitCode == 6)
        #expect(await guest.perform(.new("exchange", "title=y")).exitCode == 6)
        #expect(await guest.perform(.importLines(firstLine: 1, lines: [])).exitCode == 6)
        #expect(await guest.perform(.checkLines(firstLine: 1, lines: [])).exitCode == 6)
    }

    @Test func anUnusableReasonIsRefused() async throws {
        let desk = try await Desk.founder()
        let result = await desk.perform(
            .new(
                type: "note", assignments: [.init(typed: "title=x")], because: "a\u{1B}[2J"))
        #expect(result.exitCode == 1)
        #expect(result.error.contains("--because"))
    }
}
