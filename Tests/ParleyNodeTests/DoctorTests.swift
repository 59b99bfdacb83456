import Foundation
import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleyWire
import Testing

/// What `doctor` finds on real homes and of their teams, and that it finds nothing where nothing is.
@Suite(.timeLimit(.minutes(2)))
struct DoctorTests: DoctorsVisit {
    let homes: Homes
    let clock = TestClock()

    init() throws {
        homes = try Homes()
    }

    // MARK: The home

    @Test func filesThatOthersCanReadAreNamed() async throws {
        let home = try await founded()
        try await expectWell("permissions", of: home)
        let file = try #require(home.casebookPaths().first)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        let found = try await lines("permissions", of: home)
        // SQLite gives its journal the mode of the file.
        #expect(found.map(\.next).contains("`chmod 600 \(file)`"))
        #expect(found.allSatisfy { !$0.ok })
    }

    @Test func aDiskThatIsNearlyFullIsNamed() async throws {
        let home = try await founded()
        try await expectWell("disk", of: home)
        let found = try await lines("disk", of: home, environment(mebibytes: 100))
        #expect(found.first?.ok == false)
        #expect(found.first?.detail.contains("256 MiB") == true)
    }

    @Test func aDraftThatWasLeftIsNamed() async throws {
        let home = try await founded()
        try await expectWell("drafts", of: home)
        let draft = "\(home.path)/draft-a1B2c3.txt"
        try "typed".write(toFile: draft, atomically: false, encoding: .utf8)
        let found = try await lines("drafts", of: home)
        #expect(found.count == 1 && found[0].ok == false)
        #expect(found[0].next?.contains("--from \(draft)") == true)
        #expect(!found[0].detail.contains("typed it"))
    }

    /// What was typed about a record goes with it; what was typed about others stays.
    @Test func aDraftGoesWithItsRecord() async throws {
        let home = try await founded()
        var drafts: [String] = []
        var records: [String] = []
        for name in ["one", "two"] {
            let made = try await answer(.new("source", "name=\(name)"), of: home)
            let record = try JSONParser.parse(made.json ?? "")["record"].content ?? ""
            records.append(record)
            let draft = "\(home.path)/\(Home.draftPrefix(ofRecord: record))a1B2c3.txt"
            try "typed".write(toFile: draft, atomically: false, encoding: .utf8)
            drafts.append(draft)
        }
        _ = try await answer(.erase(record: records[0], basis: "asked"), of: home)
        #expect(
            drafts.map { FileManager.default.fileExists(atPath: $0) } == [false, true])
        _ = try await answer(
            .redact(record: records[1], field: "name", basis: "asked"), of: home)
        #expect(try await lines("drafts", of: home).map(\.ok) == [false])
    }

    @Test func aCasebookThatCannotBeOpenedIsNamed() async throws {
        let home = try await founded()
        #expect(try await lines("file", of: home).isEmpty)
        let file = try #require(home.casebookPaths().first)
        try Data("SQLite format 3".utf8).write(to: URL(filePath: file))
        let found = try await lines("file", of: home)
        #expect(found.count == 1 && found[0].ok == false)
    }

    /// Nobody erases anything in what a restore moved out of the way.
    @Test func whatARestoreLeftIsNamed() async throws {
        let home = try await founded()
        try await expectWell("before-restore", of: home)
        try FileManager.default.createDirectory(
            atPath: "\(home.path)/before-restore-20260226", withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        let found = try await lines("before-restore", of: home)
        #expect(found.first?.ok == false)
        #expect(found.first?.detail.contains("before-restore-20260226") == true)
    }

    @Test func whatIsLeftOfACopiedOverCasebookIsNamed() async throws {
        let home = try await founded()
        try await expectWell("journals", of: home)
        let file = try #require(home.casebookPaths().first)
        try "frames".write(
            toFile: file + CasebookStore.strayJournal + "0a", atomically: false, encoding: .utf8)
        let found = try await lines("journals", of: home)
        #expect(found.first?.ok == false)
        #expect(found.first?.next?.contains("parley backup") == true)
    }

    @Test func aSecondFileOfACasebookIsNamed() async throws {
        let home = try await founded()
        let file = try #require(home.casebookPaths().first)
        let copy = "\(home.casebooksPath)/ffffffffffffffff.sqlite"
        try FileManager.default.copyItem(atPath: file, toPath: copy)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: copy)
        let found = try await lines("file", of: home)
        #expect(found.map(\.ok) == [false])
        #expect(found.first?.next?.contains("stop the node") == true)
        #expect(try await answer(.verify, of: home).exitCode == 7)
    }

    // MARK: The team

    @Test func anInvitationThatIsOpenIsMentioned() async throws {
        let home = try await founded()
        try await expectWell("invitations", of: home)
        _ = try await answer(
            .invite(role: "reader", expiresSeconds: 3_600, address: "a.example:1"), of: home)
        let open = try await lines("invitations", of: home)
        #expect(open.first?.detail.contains("1 invitation open (reader)") == true)
        #expect(open.first?.next != nil)
        clock.set("2026-03-01")
        let ended = try await lines("invitations", of: home)
        #expect(ended.first?.detail == "no invitation is open")
    }

    @Test func aCasebookWithoutACoordinatorIsNamed() async throws {
        let home = try await founded()
        try await expectWell("coordinators", of: home)
        let store = try store(of: home)
        let cut = Cut(node: store.origin.node, accepted: store.appliedClock.entries)
        _ = try await store.write { scope in
            try scope.append([
                Group(kind: .cut, subject: .casebook, content: .payload(cut.encoded))
            ])
        }
        try await store.close()
        let found = try await lines("coordinators", of: home)
        #expect(found.first?.ok == false)
        #expect(found.first?.next?.contains("parley casebook create NAME") == true)
    }

    @Test func aMemberWithoutAnAddressIsNamed() async throws {
        let (amal, _) = try await pair()
        try await expectWell("addresses", of: amal)
        _ = try await answer(.removePeer("basil"), of: amal)
        let found = try await lines("addresses", of: amal)
        #expect(found.first?.ok == false)
        #expect(found.first?.detail.contains("basil") == true)
        #expect(found.first?.next?.contains("parley peer add") == true)
    }

    @Test func aTeamThatWasNotMetForLongIsNamed() async throws {
        let (amal, _) = try await pair()
        clock.set("2026-03-12T09:00Z")
        try await expectWell("sync", of: amal)
        clock.set("2026-03-12T11:00Z")
        let found = try await lines("sync", of: amal)
        #expect(found.first?.ok == false)
        #expect(found.first?.detail.contains("2026-02-26, more than 14 days ago") == true)
    }

    @Test func aClockThatIsAheadIsNamed() async throws {
        let (amal, basil) = try await pair()
        try await expectWell("clocks", of: amal)
        let ahead = TestClock()
        ahead.set("2026-02-26T14:00Z")
        _ = try await answer(.new("note", "title=x"), of: basil, environment(clock: ahead))
        try await sync(amal, basil)
        let found = try await lines("clocks", of: amal)
        #expect(found.first?.ok == false)
        #expect(found.first?.detail.contains("the clock of basil was 2") == true)
        let later = TestClock()
        later.set("2026-03-20")
        #expect(try await lines("clocks", of: amal, environment(clock: later)).map(\.ok) == [true])
    }
}
