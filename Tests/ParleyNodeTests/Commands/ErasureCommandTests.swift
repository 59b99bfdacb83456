import Glibc
import ParleyCRDT
import ParleyControl
import ParleyNode
import ParleyStore
import ParleyTestSupport
import ParleyWire
import Testing

/// Forgetting a record, or what a field says, as people ask for it.
@Suite struct ErasureCommandTests {
    private let basis = "asked by the family"

    @Test func anErasedRecordIsShownAsErasedAndCannotBeBroughtBack() async throws {
        let nour = try await Desk.founder("Nour")
        let ali = try await nour.admitting("Ali")
        let made = await nour.perform(.new("person", "name=Marquarius"))
        try await ali.pull(from: nour)
        let erased = await nour.perform(.erase(record: made.record, basis: basis))
        #expect(erased.json?.names == ["record", "references", "change", "here"])
        #expect(erased.record == made.record)
        try await nour.meet(ali)

        for desk in [nour, ali] {
            let shown = await desk.perform(.show(made.record))
            #expect(shown.exitCode == 0)
            #expect(shown.json?["state"].content == "erased")
            #expect(shown.json?["basis"].content == basis)
            #expect(shown.json?["changed"]?["by"].content == "Nour")
            #expect(shown.json?.text.contains("Marquarius") == false)
            let listed = await desk.perform(.list(type: nil, filters: [], sort: nil, limit: 0))
            #expect(listed.json?.items.isEmpty == true)
            for request in [
                Request.edit(made.record, "name=Marquarius"),
                .restore(record: made.record, because: nil),
                .delete(record: made.record, because: nil),
                .erase(record: made.record, basis: basis),
            ] where desk.store.origin == nour.store.origin || !request.isErasure {
                let refused = await desk.perform(request)
                #expect(refused.exitCode == 3)
                #expect(refused.error.contains("erased"))
            }
            let log = await desk.perform(.log(record: nil, limit: 0)).json
            #expect(log?.text.contains("Marquarius") == false)
            #expect(log?.text.contains(#""op":"erase","value":"\#(basis)""#) == true)
        }
    }

    /// Receipts tell who has carried it out.
    @Test func statusNamesWhoIsOutstanding() async throws {
        let nour = try await Desk.founder("Nour")
        let ali = try await nour.admitting("Ali", role: .reader)
        let made = await nour.perform(.new("person", "name=x"))
        try await ali.pull(from: nour)
        _ = await nour.perform(.erase(record: made.record, basis: basis))
        func standing(_ desk: Desk) async -> (confirmed: [String?], outstanding: [String?]) {
            let status = await desk.perform(.listErasures).json?.items.first
            return (
                (status?["confirmed"]?.items ?? []).map(\.content),
                (status?["outstanding"]?.items ?? []).map(\.content)
            )
        }
        #expect(await standing(nour).confirmed == ["Nour"])
        #expect(await standing(nour).outstanding == ["Ali"])
        try await ali.pull(from: nour)
        #expect(try await ali.store.finishErasures())
        try await nour.pull(from: ali)
        #expect(await standing(nour).confirmed == ["Ali", "Nour"])
        #expect(await standing(nour).outstanding.isEmpty)
    }

    @Test func aRedactedFieldSaysSoAndCanBeWrittenAgain() async throws {
        let nour = try await Desk.founder("Nour")
        let made = await nour.perform(.new("source", "name=Marquarius", "note=kept"))
        let redacted = await nour.perform(
            .redact(record: made.record, field: "name", basis: basis))
        #expect(redacted.json?.names == ["record", "field", "change", "here"])
        #expect(redacted.json?["here"].content == "done")
        let shown = await nour.perform(.show(made.record))
        #expect(shown.json?["fields"]?["name"]?.text == #"{"erased":true}"#)
        #expect(shown.json?["fields"]?["note"].content == "kept")
        let then = await nour.perform(.show(record: made.record, at: made.change))
        #expect(then.json?.text.contains("Marquarius") == false)
        #expect(await nour.perform(.edit(made.record, "name=new")).exitCode == 0)
        #expect(
            await nour.perform(.show(made.record)).json?["fields"]?["name"].content == "new")
    }

    /// What still names an erased record says so wherever it is shown, and can be taken out.
    @Test func referencesToWhatIsErasedShowIt() async throws {
        let nour = try await Desk.founder("Nour")
        let source = await nour.perform(.new("source", "name=Marquarius"))
        let person = await nour.perform(.new("person", "name=x", "sources+=\(source.record)"))
        let custody = await nour.perform(.new("custody", "person=\(person.record)"))
        let named = await nour.perform(.erase(record: source.record, basis: basis))
        #expect(named.json?.names == ["record", "references", "change", "here"])
        #expect(named.json?["references"]?.items.map { $0["record"].content } == [person.record])
        #expect(named.json?["references"]?.items.map { $0["field"].content } == ["sources"])
        _ = await nour.perform(.erase(record: person.record, basis: basis))
        let other = await nour.perform(
            .new("person", "name=y"))
        _ = await nour.perform(.edit(custody.record, "note=later"))
        let erased = #"{"erased":true,"record":"\#(person.record)"}"#
        for request in [
            Request.show(custody.record), .show(record: custody.record, at: custody.change),
        ] {
            let shown = await nour.perform(request)
            #expect(shown.json?["fields"]?["person"]?.text == erased)
        }
        let listed = await nour.perform(.list(type: "custody", filters: [], sort: nil, limit: 0))
        #expect(listed.json?.items.first?["fields"]?["person"]?.text == erased)
        let log = await nour.perform(.log(record: custody.record, limit: 0))
        #expect(log.json?.text.contains(erased) == true)
        #expect(
            await nour.perform(.edit(custody.record, "person=\(other.record)")).exitCode == 0)
        let again = await nour.perform(.show(custody.record))
        #expect(again.json?["fields"]?["person"].content == other.record)
    }

    @Test func anErasedElementOfASetCanBeTakenOut() async throws {
        let nour = try await Desk.founder("Nour")
        let source = await nour.perform(.new("source", "name=Marquarius"))
        let person = await nour.perform(.new("person", "name=x", "sources+=\(source.record)"))
        _ = await nour.perform(.erase(record: source.record, basis: basis))
        let shown = await nour.perform(.show(person.record))
        #expect(
            shown.json?["fields"]?["sources"]?.text
                == #"[{"erased":true,"record":"\#(source.record)"}]"#)
        let short = String(source.record.prefix(8))
        let found = await nour.perform(
            .list(
                type: "person", filters: [.init(field: "sources", operator: .set, value: short)],
                sort: nil, limit: 0))
        #expect(found.json?.items.count == 1)
        #expect(await nour.perform(.edit(person.record, "sources-=\(short)")).exitCode == 0)
        #expect(await nour.perform(.show(person.record)).json?["fields"]?["sources"] == nil)
    }

    /// What a revoked member wrote isn't listed; the log names it, and that is enough to erase it or a
    /// value of it.
    @Test func whatOnlyTheLogHoldsCanBeTakenBack() async throws {
        let nour = try await Desk.founder("Nour")
        let ali = try await nour.admitting("Ali")
        let made = await ali.perform(.new("source", "name=Marquarius", "note=kept"))
        try await nour.pull(from: ali)
        _ = try await nour.store.write { try $0.revoke(ali.store.origin.node, keeping: []) }
        #expect(await nour.perform(.show(made.record)).exitCode == 3)
        let log = await nour.perform(.log(record: nil, limit: 0))
        #expect(log.json?.text.contains(made.record) == true)
        let short = String(made.record.prefix(8))
        let redacted = await nour.perform(.redact(record: short, field: "name", basis: basis))
        #expect(redacted.json?["record"].content == made.record)
        let after = await nour.perform(.log(record: nil, limit: 0)).json?.text ?? ""
        #expect(!after.contains("Marquarius") && after.contains("kept"))
        #expect(await nour.perform(.erase(record: short, basis: basis)).exitCode == 0)
        #expect(
            await nour.perform(.log(record: nil, limit: 0)).json?.text.contains("kept") == false)
        #expect(await nour.perform(.show(made.record)).json?["state"].content == "erased")
        #expect(await nour.perform(.erase(record: "0123456789", basis: basis)).exitCode == 3)
    }

    @Test func whatCannotBeTakenBackIsRefusedWithWhy() async throws {
        let nour = try await Desk.founder("Nour")
        let ali = try await nour.admitting("Ali")
        let made = await nour.perform(.new("source", "name=x", "note=y"))
        try await ali.pull(from: nour)
        for request in [
            Request.erase(record: made.record, basis: basis),
            .redact(record: made.record, field: "name", basis: basis),
        ] {
            let refused = await ali.perform(request)
            #expect(refused.exitCode == 6)
            #expect(refused.error.contains("Ask Nour"))
        }
        let plain = await nour.perform(.redact(record: made.record, field: "note", basis: basis))
        #expect(plain.exitCode == 1)
        #expect(plain.error.contains("parley erase"))
        let unknown = await nour.perform(
            .redact(record: made.record, field: "nane", basis: basis))
        #expect(unknown.error.contains("`name`"))
        #expect(await nour.perform(.erase(record: made.record, basis: " ")).exitCode == 1)
        #expect(await nour.perform(.show(made.record)).json?["state"].content == "live")
    }

    @Test func manyErasuresWaitForSomebodyAtTheMachine() async throws {
        let nour = try await Desk.founder("Nour")
        let ali = try await nour.admitting("Ali")
        var records: [String] = []
        for number in 0..<22 {
            records.append(await nour.perform(.new("person", "name=\(number)")).record)
        }
        try await ali.pull(from: nour)
        var progress: [String?] = []
        for record in records {
            progress.append(
                await nour.perform(.erase(record: record, basis: basis)).json?["here"].content)
        }
        #expect(progress == Array(repeating: "done", count: 20) + ["unconfirmed", "unconfirmed"])
        try await ali.pull(from: nour)
        func waiting() async -> [String?] {
            (await ali.perform(.listErasures).json?.items ?? [])
                .filter { $0["here"].content == "unconfirmed" }.map { $0["record"].content }
        }
        #expect(Set(await waiting()) == Set(records[20...]))
        let unknown = await ali.perform(.confirmErasures(records: [records[0]]))
        #expect(unknown.exitCode == 3)
        let one = await ali.perform(.confirmErasures(records: [String(records[20].prefix(10))]))
        #expect(one.json?["confirmed"]?.text == "1")
        #expect(await waiting() == [records[21]])
        #expect(await ali.perform(.confirmErasures(records: [])).json?["confirmed"]?.text == "1")
        #expect(await waiting().isEmpty)
    }

    /// What is committed is answered as done, whatever keeps its last bytes from going.
    @Test(arguments: [ENOSPC, EIO])
    func whatIsErasedIsAnsweredSoThoughItsBytesCannotGo(error: Int32) async throws {
        let nour = try await Desk.founder("Nour")
        let erased = await nour.perform(.new("person", "name=Marquarius")).record
        let redacted = await nour.perform(.new("source", "name=Marquarius")).record
        FailingDisk.fail(nour.store.path, with: error)
        for request in [
            Request.erase(record: erased, basis: basis),
            .redact(record: redacted, field: "name", basis: basis),
        ] {
            let answer = await nour.perform(request)
            #expect(answer.exitCode == 0, "\(answer.error)")
            #expect(answer.json?["here"].content == "underway")
        }
        FailingDisk.heal(nour.store.path)
        #expect(try await nour.store.finishErasures())
        let progress = await nour.perform(.listErasures).json?.items.map { $0["here"].content }
        #expect(progress == ["done", "done"])
    }

    /// Whatever call of it fails, an erasure that was refused hasn't happened, and one that has isn't
    /// called refused.
    @Test func anErasureIsNeverRefusedAndDone() async throws {
        for after in stride(from: 0, to: 200, by: 7) {
            let nour = try await Desk.founder("Nour")
            let record = await nour.perform(.new("person", "name=Marquarius")).record
            FailingDisk.fail(nour.store.path + "-wal", with: EIO, after: after)
            let answer = await nour.perform(.erase(record: record, basis: basis))
            FailingDisk.heal(nour.store.path + "-wal")
            let isUnknown = answer.error.contains("cannot tell whether that was done")
            #expect(answer.exitCode == 0 || isUnknown, "\(after): \(answer.error)")
        }
    }

    @Test func whatIsConfirmedIsAnsweredSoThoughItsBytesCannotGo() async throws {
        let nour = try await Desk.founder("Nour")
        for number in 0..<21 {
            let record = await nour.perform(.new("person", "name=\(number)")).record
            _ = await nour.perform(.erase(record: record, basis: basis))
        }
        FailingDisk.fail(nour.store.path, with: ENOSPC)
        let confirmed = await nour.perform(.confirmErasures(records: []))
        #expect(confirmed.json?["confirmed"]?.text == "1", "\(confirmed.error)")
        FailingDisk.heal(nour.store.path)
        #expect(try await nour.store.finishErasures())
    }
}

extension Request {
    fileprivate var isErasure: Bool {
        if case .erase = self { true } else { false }
    }
}
