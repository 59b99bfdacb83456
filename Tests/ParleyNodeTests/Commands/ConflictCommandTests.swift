import ParleyControl
import ParleyModel
import ParleyNode
import ParleyStore
import Testing

/// Two analysts edit apart and meet; somebody chooses.
@Suite struct ConflictCommandTests {
    /// Nour and Ali with one exchange whose place both changed, Nour at 10:42 and Ali at 10:58. Both
    /// have looked at that.
    struct Dispute {
        let nour: Desk
        let ali: Desk
        let record: String
        let nours: String
        let alis: String

        init(nour: Desk, ali: Desk, record: String, nours: String, alis: String) {
            (self.nour, self.ali, self.record) = (nour, ali, record)
            (self.nours, self.alis) = (nours, alis)
        }

        init() async throws {
            nour = try await Desk.founder("Nour")
            ali = try await nour.admitting("Ali")
            let made = await nour.perform(.new("exchange", "title=Sweida", "place=Adra"))
            record = made.record
            try await ali.pull(from: nour)
            nour.clock.set("2026-02-26T10:42Z")
            ali.clock.set("2026-02-26T10:58Z")
            nours = await nour.perform(
                .edit(record, "place=Damascus", because: "the ministry says so")
            ).change
            alis = await ali.perform(.edit(record, "place=Sweida")).change
            try await nour.meet(ali)
            for desk in [nour, ali] { _ = await desk.perform(.listConflicts(limit: 0)) }
        }
    }

    @Test func aConflictShowsBaseAndBothSidesOnBothNodes() async throws {
        let dispute = try await Dispute()
        for desk in [dispute.nour, dispute.ali] {
            let listed = await desk.perform(.listConflicts(limit: 100))
            #expect(listed.exitCode == 4)
            let entry = try #require(listed.json?.items.first)
            #expect(entry["record"].content == dispute.record)
            #expect(entry["field"].content == "place")
            #expect(entry["title"].content == "Sweida")
            #expect(entry["base"]?.text == #"["Adra"]"#)
            let sides = entry["values"]?.items ?? []
            #expect(sides.map { $0["value"].content } == ["Damascus", "Sweida"])
            #expect(sides.map { $0["by"].content } == ["Nour", "Ali"])
            #expect(sides.map { $0["change"].content } == [dispute.nours, dispute.alis])
            #expect(sides[0]["reason"].content == "the ministry says so")
            let shown = await desk.perform(.showConflict(record: dispute.record, field: "place"))
            #expect(shown.exitCode == 4)
            #expect(shown.json?.text == entry.text)
            #expect(
                await desk.perform(.showConflict(record: dispute.record, field: nil)).json?.text
                    == entry.text)
        }
    }

    @Test func theReasonForConcurrencyIsAPlainSentence() async throws {
        let dispute = try await Dispute()
        let shown = await dispute.nour.perform(.showConflict(record: dispute.record, field: nil))
        let why = shown.json?["values"]?.items.map { $0["why"].content }
        #expect(
            why == [
                "written at 10:42 without having seen the edit of 10:58 by Ali",
                "written at 10:58 without having seen the edit of 10:42 by Nour",
            ])
    }

    /// Each side's context names how far it knew the other's log: short of the other's edit.
    @Test func whatEachSideHadSeenIsTheProof() async throws {
        let dispute = try await Dispute()
        let shown = await dispute.nour.perform(.showConflict(record: dispute.record, field: nil))
        let sides = shown.json?["values"]?.items ?? []
        let nour = dispute.nour.store.origin.text
        let ali = dispute.ali.store.origin.text
        #expect(sides[0]["seen"]?.text == #"{"\#(ali)":0}"#)
        #expect(sides[1]["seen"]?.text == #"{"\#(nour)":3}"#)
        #expect(dispute.nours == nour + ":4")
    }

    @Test func theRecordShowsTheNewestValueMarked() async throws {
        let dispute = try await Dispute()
        let shown = await dispute.nour.perform(.show(dispute.record))
        #expect(shown.exitCode == 4)
        #expect(shown.json?["fields"]?["place"].content == "Sweida")
        #expect(shown.json?["conflicts"]?.items.map { $0["field"].content } == ["place"])
        #expect(shown.json?["state"].content == "live")
    }

    @Test func listsMarkIt() async throws {
        let dispute = try await Dispute()
        let listed = await dispute.nour.perform(.list(type: nil, filters: [], sort: nil, limit: 0))
        #expect(listed.exitCode == 0)
        #expect(listed.json?.items.first?["conflicts"]?.text == #"["place"]"#)
        #expect(listed.json?.items.first?["state"].content == "live")
    }

    /// Whoever looks for a name finds it whichever side is shown, and is told.
    @Test(arguments: [false, true])
    func allSidesAreFound(indexed: Bool) async throws {
        let dispute = try await Dispute()
        let other = await dispute.nour.perform(.new("exchange", "title=other", "place=Damascus"))
        if indexed { try await dispute.nour.store.index() }
        let found = await dispute.nour.perform(.find(words: "damascus", limit: 0)).json?.items ?? []
        #expect(Set(found.map { $0["record"].content }) == [other.record, dispute.record])
        let hit = found.first { $0["record"].content == dispute.record }
        #expect(hit?["match"].content == "place: Damascus (other side of an open conflict)")
        #expect(hit?["otherSides"]?.text == #"["place"]"#)
        let shown = await dispute.nour.perform(.find(words: "sweida", limit: 0)).json?.items ?? []
        #expect(shown.map { $0["otherSides"]?.text } == ["[]"])
        let both = await dispute.nour.perform(.find(words: "damascus sweida", limit: 1))
        #expect(both.json?.items.map { $0["record"].content } == [dispute.record])
        for (type, sort) in [(nil, nil), ("exchange", nil), ("exchange", "title")] {
            let listed = await dispute.nour.perform(
                .list(
                    type: type, filters: [.init(typed: "place=Damascus")], sort: sort, limit: 0)
            ).json?.items
            #expect(
                Set(listed?.map { $0["record"].content } ?? []) == [other.record, dispute.record])
            let marks = listed?.filter { $0["otherSides"]?.text != "[]" } ?? []
            #expect(marks.map { $0["record"].content } == [dispute.record])
            #expect(marks.first?["match"].content == "place (other side of an open conflict)")
        }
        _ = await dispute.nour.perform(.take(dispute.alis, dispute.record, "place"))
        let after = await dispute.nour.perform(.find(words: "damascus", limit: 0)).json?.items ?? []
        #expect(after.map { $0["record"].content } == [other.record])
    }

    @Test func aPlainEditOfTheFieldIsRefusedWithTheCommandToType() async throws {
        let dispute = try await Dispute()
        let result = await dispute.nour.perform(.edit(dispute.record, "place=Homs"))
        #expect(result.exitCode == 1)
        let id = dispute.record.prefix(8)
        #expect(
            result.error.contains(
                "`parley conflict resolve \(id) place --take \(dispute.alis)`"))
        #expect(await dispute.nour.perform(.edit(dispute.record, "title=other")).exitCode == 0)
    }

    @Test func takingASideSettlesItEverywhere() async throws {
        let dispute = try await Dispute()
        let settled = await dispute.ali.perform(
            .take(dispute.nours, dispute.record, "place", because: "confirmed by the ICRC"))
        #expect(settled.exitCode == 0)
        #expect(settled.json?.names == ["record", "field", "change", "conflicts"])
        try await dispute.nour.meet(dispute.ali)
        #expect(try await dispute.nour.digest() == dispute.ali.digest())
        let shown = await dispute.nour.perform(.show(dispute.record))
        #expect(shown.exitCode == 0)
        #expect(shown.json?["fields"]?["place"].content == "Damascus")
        let log = await dispute.nour.perform(.log(record: dispute.record, limit: 1)).json?.items
        #expect(log?.first?["because"].content == "confirmed by the ICRC")
        #expect(log?.first?["operations"]?.items.first?["op"].content == "resolve")
        #expect(await dispute.nour.perform(.listConflicts(limit: 0)).exitCode == 0)
    }

    @Test func aThirdValueSettlesItToo() async throws {
        let dispute = try await Dispute()
        #expect(
            await dispute.nour.perform(.settle(dispute.record, "place", as: "Jaramana")).exitCode
                == 0)
        let shown = await dispute.nour.perform(.show(dispute.record))
        #expect(shown.json?["fields"]?["place"].content == "Jaramana")
    }

    /// Only what was on the screen is dropped: here one of the two, so the other stays.
    @Test func whatWasNotSeenStaysInConflict() async throws {
        let dispute = try await Dispute()
        let settled = await dispute.nour.perform(
            .take(dispute.nours, dispute.record, "place", seen: [dispute.nours]))
        #expect(settled.exitCode == 4)
        #expect(settled.json?["conflicts"]?.text == #"["place"]"#)
        let shown = await dispute.nour.perform(.showConflict(record: dispute.record, field: nil))
        let sides = shown.json?["values"]?.items ?? []
        #expect(Set(sides.map { $0["value"].content }) == ["Damascus", "Sweida"])
        #expect(
            sides.map { $0["why"].content ?? "" }.contains {
                $0.hasSuffix("leaving the edit of 10:58 by Ali to be chosen among")
            })
    }

    @Test func twoDifferentResolutionsAreOneNewConflict() async throws {
        let dispute = try await Dispute()
        _ = await dispute.nour.perform(.take(dispute.nours, dispute.record, "place"))
        _ = await dispute.ali.perform(.take(dispute.alis, dispute.record, "place"))
        try await dispute.nour.meet(dispute.ali)
        let listed = await dispute.nour.perform(.listConflicts(limit: 0)).json?.items ?? []
        #expect(listed.count == 1)
        #expect(listed.first?["values"]?.items.count == 2)
    }

    @Test func twoEqualResolutionsCollapse() async throws {
        let dispute = try await Dispute()
        for desk in [dispute.nour, dispute.ali] {
            _ = await desk.perform(.take(dispute.nours, dispute.record, "place"))
        }
        try await dispute.nour.meet(dispute.ali)
        #expect(await dispute.nour.perform(.listConflicts(limit: 0)).exitCode == 0)
    }

    @Test func aSettledConflictCanBeReopened() async throws {
        let dispute = try await Dispute()
        let early = await dispute.nour.perform(
            .reopenConflict(record: dispute.record, field: "place", because: nil))
        #expect(early.exitCode == 1)
        _ = await dispute.nour.perform(.take(dispute.nours, dispute.record, "place"))
        let reopened = await dispute.nour.perform(
            .reopenConflict(record: dispute.record, field: "place", because: "new evidence"))
        #expect(reopened.exitCode == 4)
        let shown = await dispute.nour.perform(.showConflict(record: dispute.record, field: nil))
        let sides = shown.json?["values"]?.items ?? []
        #expect(sides.map { $0["value"].content } == ["Damascus", "Sweida"])
        let take = await dispute.nour.perform(.take(reopened.change, dispute.record, "place"))
        #expect(take.exitCode == 1, "both values were put back by that change")
        let value = await dispute.nour.perform(.settle(dispute.record, "place", as: "Sweida"))
        #expect(value.exitCode == 0)
    }

    /// Putting values back doesn't make them one's own: both sides are still their authors', with
    /// their reasons, and can be taken by the changes that wrote them.
    @Test func aReopenedConflictNamesWhoWroteTheValues() async throws {
        let dispute = try await Dispute()
        _ = await dispute.ali.perform(.take(dispute.nours, dispute.record, "place"))
        dispute.ali.clock.set("2026-02-26T11:30Z")
        let reopened = await dispute.ali.perform(
            .reopenConflict(record: dispute.record, field: "place", because: "new evidence"))
        try await dispute.nour.meet(dispute.ali)
        let shown = await dispute.nour.perform(.showConflict(record: dispute.record, field: nil))
        let sides = shown.json?["values"]?.items ?? []
        #expect(shown.json?["base"]?.text == #"["Adra"]"#)
        #expect(sides.map { $0["by"].content } == ["Nour", "Ali"])
        #expect(sides[0]["reason"].content == "the ministry says so")
        #expect(
            sides.map { $0["reopened"]?["change"].content } == [reopened.change, reopened.change])
        #expect(
            sides[0]["why"].content
                == "written at 10:42 without having seen the edit of 10:58 by Ali, put back at 11:30 by Ali, to be chosen among again"
        )
        let taken = await dispute.nour.perform(
            .take(dispute.alis, dispute.record, "place", seen: [dispute.nours, dispute.alis]))
        #expect(taken.exitCode == 0, "\(taken.error)")
        let record = await dispute.nour.perform(.show(dispute.record))
        #expect(record.json?["fields"]?["place"].content == "Sweida")
    }

    /// Without naming what was seen, a resolution drops what was shown last and what is taken: a
    /// value that arrived since is nobody's to reject.
    @Test func whatArrivedSinceItWasShownStaysInConflict() async throws {
        let nour = try await Desk.founder("Nour")
        let (ali, carla) = (try await nour.admitting("Ali"), try await nour.admitting("Carla"))
        let record = await nour.perform(.new("exchange", "title=Sweida")).record
        for desk in [ali, carla] { try await desk.pull(from: nour) }
        for (desk, place) in [(nour, "Adra"), (ali, "Damascus"), (carla, "Homs")] {
            _ = await desk.perform(.edit(record, "place=\(place)"))
        }
        try await nour.pull(from: ali)
        _ = await nour.perform(.listConflicts(limit: 0))
        try await nour.pull(from: carla)
        let settled = await nour.perform(.settle(record, "place", as: "Jaramana"))
        #expect(settled.exitCode == 4)
        let shown = await nour.perform(.showConflict(record: record, field: nil))
        let values = shown.json?["values"]?.items.map { $0["value"].content ?? "" } ?? []
        #expect(Set(values) == ["Jaramana", "Homs"])
        #expect(
            await nour.perform(.settle(record, "place", as: "Jaramana")).exitCode
                == 0)
    }

    /// Nobody may drop what they never looked at, whatever they choose; naming it will do.
    @Test func whatWasNeverShownIsNotSettled() async throws {
        let dispute = try await Dispute()
        let carla = try await dispute.nour.admitting("Carla")
        for request in [
            Request.take(dispute.nours, dispute.record, "place"),
            .settle(dispute.record, "place", as: "x"),
        ] {
            let blind = await carla.perform(request)
            #expect(blind.exitCode == 1)
            let id = dispute.record.prefix(8)
            #expect(blind.error.contains("`parley conflict show \(id) place`"))
        }
        let named = await carla.perform(
            .take(dispute.nours, dispute.record, "place", seen: [dispute.nours, dispute.alis]))
        #expect(named.exitCode == 0)
    }

    /// A page that leaves values out doesn't count as a look at them.
    @Test func aPageWithOneValueOfSeveralShowsNoConflict() async throws {
        let dispute = try await Dispute()
        let carla = try await dispute.nour.admitting("Carla")
        _ = await carla.perform(.show(dispute.record), showsAllValues: false)
        _ = await carla.perform(.listConflicts(limit: 0), showsAllValues: false)
        let blind = await carla.perform(.settle(dispute.record, "place", as: "x"))
        #expect(blind.exitCode == 1)
        _ = await carla.perform(.show(dispute.record))
        #expect(await carla.perform(.settle(dispute.record, "place", as: "x")).exitCode == 0)
    }

    /// What was shown before thousands of others is forgotten, and counts as not seen.
    @Test func whatIsForgottenIsNotSettled() async throws {
        let dispute = try await Dispute()
        let nour = dispute.nour
        nour.shown.note(
            (0..<ShownConflicts.limit).map { number in
                let record = RecordID(UInt128(number))
                return (.init(casebook: nour.store.casebookID, record: record, field: nil), [])
            })
        #expect(await nour.perform(.settle(dispute.record, "place", as: "x")).exitCode == 1)
        _ = await nour.perform(.showConflict(record: dispute.record, field: nil))
        #expect(await nour.perform(.settle(dispute.record, "place", as: "x")).exitCode == 0)
    }

    /// Where nothing of what was shown stands any more, there is nothing to settle blindly.
    @Test func whatWasShownAndIsGoneIsNotSettled() async throws {
        let dispute = try await Dispute()
        _ = await dispute.nour.perform(.listConflicts(limit: 0))
        _ = await dispute.ali.perform(.settle(dispute.record, "place", as: "Homs"))
        _ = await dispute.ali.perform(
            .reopenConflict(record: dispute.record, field: "place", because: nil))
        try await dispute.nour.pull(from: dispute.ali)
        let blind = await dispute.nour.perform(.settle(dispute.record, "place", as: "x"))
        #expect(blind.exitCode == 1)
        #expect(blind.error.contains("parley conflict show"))
        _ = await dispute.nour.perform(.showConflict(record: dispute.record, field: nil))
        #expect(
            await dispute.nour.perform(.settle(dispute.record, "place", as: "x")).exitCode == 0)
    }

    @Test func whatIsNotInConflictCannotBeSettled() async throws {
        let dispute = try await Dispute()
        let id = dispute.record
        #expect(await dispute.nour.perform(.settle(id, "title", as: "x")).exitCode == 3)
        #expect(await dispute.nour.perform(.settle(id, "palce", as: "x")).exitCode == 1)
        #expect(await dispute.nour.perform(.take("0000:77", id, "place")).exitCode == 3)
        #expect(await dispute.nour.perform(.take("not a change", id, "place")).exitCode == 3)
        #expect(
            await dispute.nour.perform(.take(dispute.nours, id, "place", seen: ["0000:77"]))
                .exitCode
                == 3)
        #expect(
            await dispute.nour.perform(.showConflict(record: id, field: "title")).exitCode == 3)
        #expect(
            await dispute.nour.perform(
                .reopenConflict(record: id, field: "title", because: nil)
            ).exitCode == 3)
    }

    @Test func severalConflictsOfARecordAreNamed() async throws {
        let dispute = try await Dispute()
        _ = await dispute.nour.perform(.edit(dispute.record, "title=one"))
        _ = await dispute.ali.perform(.edit(dispute.record, "title=two"))
        try await dispute.nour.meet(dispute.ali)
        let which = await dispute.nour.perform(.showConflict(record: dispute.record, field: nil))
        #expect(which.exitCode == 1)
        #expect(which.error.contains("`place`, `title`"))
        let settled = await dispute.nour.perform(.take(dispute.nours, dispute.record, "place"))
        #expect(settled.exitCode == 4, "the title is still open")
    }
}
