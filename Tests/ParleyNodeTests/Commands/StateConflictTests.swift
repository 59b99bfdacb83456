import ParleyControl
import ParleyNode
import Testing

/// One analyst deletes a record while the other edits it.
@Suite struct StateConflictTests {
    private func dispute() async throws -> (nour: Desk, ali: Desk, record: String) {
        let nour = try await Desk.founder("Nour")
        let ali = try await nour.admitting("Ali")
        let made = await nour.perform(.new("exchange", "title=Sweida"))
        try await ali.pull(from: nour)
        nour.clock.set("2026-02-26T10:42Z")
        ali.clock.set("2026-02-26T10:58Z")
        _ = await nour.perform(.delete(record: made.record, because: "entered twice"))
        _ = await ali.perform(.edit(made.record, "note=checked"))
        try await nour.meet(ali)
        _ = await nour.perform(.listConflicts(limit: 0))
        return (nour, ali, made.record)
    }

    @Test func editAgainstDeleteIsAConflictOfTheState() async throws {
        let (nour, _, record) = try await dispute()
        let shown = await nour.perform(.show(record))
        #expect(shown.exitCode == 4)
        #expect(shown.json?["state"].content == "conflict")
        #expect(shown.json?["fields"]?["note"].content == "checked")
        let conflict = await nour.perform(.showConflict(record: record, field: "state")).json
        #expect(conflict?["field"].content == "state")
        #expect(conflict?["base"]?.text == #"["live"]"#)
        let sides = conflict?["values"]?.items ?? []
        #expect(sides.map { $0["value"].content } == ["deleted", "live"])
        #expect(
            sides.map { $0["why"].content } == [
                "deleted at 10:42 without having seen the edit of 10:58 by Ali",
                "edited at 10:58 without having seen the deletion of 10:42 by Nour",
            ])
        #expect(
            await nour.perform(.list(type: nil, filters: [], sort: nil, limit: 0)).json?.items.count
                == 1)
    }

    @Test func plainDeleteAndRestoreAreRefusedMeanwhile() async throws {
        let (nour, _, record) = try await dispute()
        for request in [
            Request.delete(record: record, because: nil), .restore(record: record, because: nil),
        ] {
            let result = await nour.perform(request)
            #expect(result.exitCode == 1)
            #expect(result.error.contains("parley conflict resolve \(record.prefix(8)) state"))
        }
    }

    @Test(arguments: ["live", "deleted"])
    func itIsSettledEitherWay(choice: String) async throws {
        let (nour, ali, record) = try await dispute()
        #expect(await nour.perform(.settle(record, "state", as: "gone")).exitCode == 1)
        #expect(await nour.perform(.settle(record, "state", as: choice)).exitCode == 0)
        try await nour.meet(ali)
        let shown = await ali.perform(.show(record))
        #expect(shown.exitCode == 0)
        #expect(shown.json?["state"].content == choice)
        #expect(try await nour.digest() == ali.digest())
    }

    @Test func itCanBeReopened() async throws {
        let (nour, _, record) = try await dispute()
        _ = await nour.perform(.settle(record, "state", as: "deleted"))
        let reopened = await nour.perform(
            .reopenConflict(record: record, field: "state", because: nil))
        #expect(reopened.exitCode == 4)
        #expect(await nour.perform(.show(record)).json?["state"].content == "conflict")
    }

    /// A field in conflict of a deleted record waits until somebody restores the record.
    @Test func aDeletedRecordHasNoOpenConflicts() async throws {
        let (nour, ali, record) = try await dispute()
        _ = await nour.perform(.settle(record, "state", as: "live"))
        try await nour.meet(ali)
        _ = await nour.perform(.edit(record, "title=one"))
        _ = await ali.perform(.edit(record, "title=two"))
        try await nour.meet(ali)
        _ = await nour.perform(.delete(record: record, because: nil))
        #expect(await nour.perform(.listConflicts(limit: 0)).exitCode == 0)
        #expect(await nour.perform(.settle(record, "title", as: "one")).exitCode == 3)
        _ = await nour.perform(.restore(record: record, because: nil))
        _ = await nour.perform(.listConflicts(limit: 0))
        #expect(await nour.perform(.settle(record, "title", as: "one")).exitCode == 0)
    }
}
