import Foundation
import GRDB
import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleyWire
import Synchronization
import Testing

/// What `doctor` finds on real homes, and that it finds nothing where nothing is.
@Suite(.timeLimit(.minutes(2)))
struct DoctorTests {
    private let homes: Homes
    private let clock = TestClock()

    init() throws {
        homes = try Homes()
    }

    /// One line of the answer.
    private struct Line {
        let ok: Bool
        let detail: String
        let next: String?
    }

    private func environment(
        clock: TestClock? = nil, mebibytes: UInt64 = 1 << 20
    ) -> NodeEnvironment {
        NodeEnvironment(
            store: (clock ?? self.clock).environment,
            freeSpace: { _ in FreeSpace(bytes: mebibytes << 20) })
    }

    /// Asks with the daemon stopped.
    private func answer(
        _ request: Request, of home: Home, _ environment: NodeEnvironment? = nil
    ) async throws -> Response {
        let node = try await Node(home: home, environment: environment ?? self.environment())
        let response = await node.perform(Envelope(casebook: nil, request: request))
        await node.close()
        return response
    }

    /// What is said about one check.
    private func lines(_ check: String, in response: Response) throws -> [Line] {
        let all = try JSONParser.parse(response.json ?? "").items
        #expect(response.exitCode == (all.allSatisfy { $0["ok"]?.text == "true" } ? 0 : 1))
        return all.filter { $0["check"].content == check }.map {
            Line(
                ok: $0["ok"]?.text == "true", detail: $0["detail"].content ?? "",
                next: $0["next"].content)
        }
    }

    private func lines(
        _ check: String, of home: Home, _ environment: NodeEnvironment? = nil
    ) async throws -> [Line] {
        try lines(check, in: try await answer(.doctor, of: home, environment))
    }

    private func expectWell(
        _ check: String, of home: Home, at location: SourceLocation = #_sourceLocation
    ) async throws {
        let lines = try await lines(check, of: home)
        #expect(lines.count == 1 && lines[0].ok, "\(lines)", sourceLocation: location)
    }

    /// A home with a casebook in it.
    private func founded(_ name: String = "amal") async throws -> Home {
        _ = try homes[name].create(name: name)
        _ = try await answer(.createCasebook(name: "exchanges"), of: homes[name])
        return homes[name]
    }

    /// Two homes that share a casebook and hold the same.
    private func pair() async throws -> (amal: Home, basil: Home) {
        let amal = try await RunningNode.start(
            homes["amal"], name: "amal", environment: environment())
        let basil = try await RunningNode.start(
            homes["basil"], name: "basil", environment: environment())
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(basil)
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        _ = try await amal.ask(.sync(peer: "basil", waitSeconds: 20))
        for node in [basil, amal] { await node.stop() }
        return (homes["amal"], homes["basil"])
    }

    private func sync(_ first: Home, _ second: Home) async throws {
        let one = try await RunningNode.start(first, environment: environment())
        let other = try await RunningNode.start(second, environment: environment())
        _ = try await one.json(.addPeer(node: "basil", address: other.address))
        _ = try await one.ask(.sync(peer: "basil", waitSeconds: 20))
        for node in [one, other] { await node.stop() }
    }

    private func store(of home: Home) throws -> CasebookStore {
        try CasebookStore.open(
            at: try #require(home.casebookPaths().first), identity: try home.identity(),
            environment: clock.environment)
    }

    private func damage(_ home: Home, _ sql: String) throws {
        let queue = try DatabaseQueue(path: try #require(home.casebookPaths().first))
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
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

    // MARK: The logs

    @Test func whatExistsHereOnlyIsCounted() async throws {
        let alone = try await founded("alone")
        let only = try await lines("copies", of: alone)
        #expect(only.first?.ok == false)
        #expect(only.first?.next?.contains("`parley invite`") == true)
        let (amal, basil) = try await pair()
        try await expectWell("copies", of: amal)
        _ = try await answer(.new("note", "title=x"), of: amal)
        let found = try await lines("copies", of: amal)
        #expect(found.first?.detail.contains("1 change exists on this machine only") == true)
        #expect(found.first?.next?.contains("basil") == true)
        try await sync(amal, basil)
        try await expectWell("copies", of: amal)
    }

    /// Those who are connected are asked what they hold.
    @Test func whatAConnectedPeerHoldsIsNotHereOnly() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(basil)
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        _ = try await amal.ask(.new("note", "title=x"))
        let connected = try await lines("copies", in: amal.ask(.doctor))
        #expect(connected.map(\.ok) == [true])
        await basil.stop()
        _ = try await amal.ask(.new("note", "title=y"))
        let alone = try await lines("copies", in: amal.ask(.doctor))
        #expect(alone.first?.detail.contains("1 change exists on this machine only") == true)
        await amal.stop()
    }

    @Test func whatIsNotUnderstoodIsCounted() async throws {
        let home = try await founded()
        try await expectWell("versions", of: home)
        try damage(home, "INSERT INTO uninterpreted VALUES (1, 1, 9, 99)")
        let found = try await lines("versions", of: home)
        #expect(found.first?.ok == false)
        #expect(found.first?.next?.contains("upgrade") == true)
    }

    @Test func erasuresThatWaitOrAreUnderWayAreNamed() async throws {
        let home = try await founded()
        let made = try await answer(.new("person", "name=x"), of: home)
        let record = try JSONParser.parse(made.json ?? "")["record"].content ?? ""
        _ = try await answer(.erase(record: record, basis: "asked"), of: home)
        try await expectWell("erasures", of: home)
        try damage(home, "UPDATE claim SET state = 1")
        let waiting = try await lines("erasures", of: home)
        #expect(waiting.first?.ok == false)
        #expect(
            waiting.first?.next?.contains("parley erase confirm \(record.prefix(8)) --yes")
                == true)
        try damage(home, "UPDATE claim SET state = 3")
        let underWay = try await lines("erasures", of: home)
        #expect(underWay.first?.ok == false)
        #expect(underWay.first?.detail.contains("last bytes") == true)
    }

    /// The machine goes back to a snapshot, so that its log gets a second end.
    @Test func aForkIsNamedWithWhoseLogItIs() async throws {
        let (amal, basil) = try await pair()
        try await expectWell("forks", of: amal)
        let files = try FileManager.default.contentsOfDirectory(atPath: basil.casebooksPath)
            .map { URL(filePath: "\(basil.casebooksPath)/\($0)") }
        let snapshot = try files.map { try Data(contentsOf: $0) }
        _ = try await answer(.new("note", "title=first"), of: basil)
        try await sync(amal, basil)
        for (file, bytes) in zip(files, snapshot) { try bytes.write(to: file) }
        _ = try await answer(.new("note", "title=second"), of: basil)
        try await sync(amal, basil)
        let found = try await lines("forks", of: amal)
        #expect(found.first?.ok == false)
        #expect(found.first?.detail.contains("of basil was written twice") == true)
        #expect(found.first?.next?.contains("parley peer revoke NAME --until CHANGE") == true)
        let status = try JSONParser.parse(try await answer(.status, of: amal).json ?? "null")
        let forks = status["casebooks"]?.items.first?["forks"]?.items ?? []
        #expect(forks.map { $0["by"].content } == ["basil"])
        // Once both ends are left alone for long, it is history.
        let later = TestClock()
        later.set("2026-03-20")
        #expect(try await lines("forks", of: amal, environment(clock: later)).map(\.ok) == [true])
        _ = try await answer(.revokePeer(peer: "basil", until: []), of: amal)
        #expect(try await lines("forks", of: amal).map(\.ok) == [true])
    }

    /// A copy of basil's folder runs beside basil.
    @Test func aNodeThatRunsTwiceIsNamed() async throws {
        let (_, basil) = try await pair()
        let twin = homes["twin"]
        try FileManager.default.copyItem(atPath: basil.path, toPath: twin.path)
        let log = NotedLog()
        let amal = try await RunningNode.start(homes["amal"], environment: environment(), log: log)
        var lines = try await lines("runs", in: amal.ask(.doctor))
        #expect(lines.map(\.ok) == [true])
        let nodes = [
            try await RunningNode.start(basil, environment: environment()),
            try await RunningNode.start(twin, environment: environment()),
        ]
        for node in nodes + nodes {
            _ = try await node.ask(.addPeer(node: "amal", address: amal.address))
            _ = try await node.ask(.sync(peer: "amal", waitSeconds: 5))
        }
        await log.line(containing: "one key is used by two running nodes")
        lines = try await self.lines("runs", in: amal.ask(.doctor))
        #expect(lines.map(\.ok) == [false])
        #expect(lines.first?.detail.contains("basil ran on two machines") == true)
        let problems = try await amal.json(.status)["problems"]?.items ?? []
        #expect(problems.contains { $0.content?.contains("two machines") == true })
        for node in nodes + [amal] { await node.stop() }
    }

    /// Amal's log as basil got it goes bad on basil's disk. Basil says so and has it again once they
    /// have met, in a session that stands as in one that begins.
    @Test(arguments: [false, true])
    func whatCannotBeReadIsNamedAndComesAgain(isConnected: Bool) async throws {
        let (amal, basil) = try await pair()
        for number in 0..<3 { _ = try await answer(.new("note", "title=\(number)"), of: amal) }
        try await sync(amal, basil)
        try await expectWell("contents", of: basil)
        let node = Hexadecimal.text(of: try amal.identity().node.bytes)
        try damage(
            basil,
            """
            UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE lane IN
                (SELECT number FROM lane WHERE hex(node) = upper('\(node)'))
            """)
        let one = try await RunningNode.start(amal, environment: environment())
        let other = try await RunningNode.start(basil, environment: environment())
        if isConnected { try await meet(one, other) }
        let damaged = try await other.ask(.verify)
        #expect(damaged.exitCode == 7)
        if !isConnected {
            let found = try await lines("contents", in: other.ask(.doctor))
            #expect(found.first?.ok == false)
            #expect(found.first?.detail.contains("changes of amal") == true)
            #expect(found.first?.next?.contains("`parley sync` with amal") == true)
        }
        try await meet(one, other)
        let sound = try await other.ask(.verify)
        #expect(sound.exitCode == 0, "\(sound.json ?? "")")
        #expect(try await lines("contents", in: other.ask(.doctor)).map(\.ok) == [true])
        for node in [one, other] { await node.stop() }
    }

    private func meet(_ one: RunningNode, _ other: RunningNode) async throws {
        _ = try await one.json(.addPeer(node: "basil", address: other.address))
        let response = try await one.ask(.sync(peer: "basil", waitSeconds: 20))
        #expect(response.exitCode == 0, "\(response)")
        // Who lacks something waits until it has come.
        let waited = try await other.ask(.sync(peer: "amal", waitSeconds: 20))
        #expect(waited.exitCode == 0, "\(waited)")
    }

    /// What was typed without knowing of a new role, or after a revocation, is counted where it came.
    @Test func whatCountsNowhereIsNamed() async throws {
        let (amal, basil) = try await pair()
        try await expectWell("void", of: amal)
        _ = try await answer(.setRole(peer: "basil", role: "reader"), of: amal)
        for title in ["one", "two"] {
            _ = try await answer(.new("note", "title=\(title)"), of: basil)
        }
        try await sync(amal, basil)
        let found = try await lines("void", of: amal)
        #expect(found.first?.ok == false)
        #expect(found.first?.detail.contains("2 changes of basil count nowhere") == true)
        #expect(found.first?.next?.contains("parley peer role basil ROLE") == true)
        let there = try await lines("void", of: basil)
        #expect(there.first?.detail.contains("2 changes of this node") == true)
        _ = try await answer(.setRole(peer: "basil", role: "editor"), of: amal)
        try await expectWell("void", of: amal)
        _ = try await answer(.revokePeer(peer: "basil", until: []), of: amal)
        let log = Hexadecimal.text(of: try basil.identity().node.bytes)
        _ = try await answer(.revokePeer(peer: "basil", until: ["\(log):0"]), of: amal)
        let revoked = try await lines("void", of: amal)
        #expect(revoked.first?.ok == true)
        #expect(revoked.first?.detail.contains("beyond its revocation") == true)
    }

    /// Basil has seen what amal wrote; carla gets basil's log without amal's.
    @Test func whatWaitsIsNamedWithWhomItWaitsFor() async throws {
        let (amal, basil) = try await pair()
        let (source, relay) = (try store(of: amal), try store(of: basil))
        let note = try await source.write { scope in
            try scope.append([.creation(type: FieldName("note")!, [])])
        }
        let amals = try await source.batches(
            for: [log(note.dot.origin, heldBy: relay)], byteLimit: .max)
        try await relay.ingest(relay.verify(amals.batches.map(\.bytes)))
        _ = try await relay.write { scope in
            try scope.append([.creation(type: FieldName("note")!, [])])
        }
        let third = try await third(of: source)
        let basils = try await relay.batches(
            for: [log(relay.origin, heldBy: third)], byteLimit: .max)
        try await third.ingest(third.verify(basils.batches.map(\.bytes)))
        for store in [source, relay, third] { try await store.close() }
        let found = try await lines("waiting", of: homes["carla"])
        #expect(found.first?.ok == false)
        #expect(
            found.first?.detail == "1 change of basil waits for \(note.dot.text) of amal")
        #expect(found.first?.next?.contains("`parley sync` with amal in reach") == true)
        try await expectWell("waiting", of: amal)
    }

    private func log(_ origin: Origin, heldBy store: CasebookStore) -> PeerLog {
        PeerLog(origin: origin, tips: store.heldClock[origin])
    }

    /// The casebook as carla would hold it, without the newest note.
    private func third(of source: CasebookStore) async throws -> CasebookStore {
        _ = try homes["carla"].create(name: "carla")
        let store = try CasebookStore.joining(
            at: homes["carla"].casebooksPath + "/0123456789abcdef.sqlite",
            casebook: source.casebookID, identity: try homes["carla"].identity(),
            environment: clock.environment)
        let read = try await source.batches(
            for: [PeerLog(origin: source.origin, tips: [])], byteLimit: .max)
        try await store.ingest(store.verify(read.batches.dropLast().map(\.bytes)))
        return store
    }
}
