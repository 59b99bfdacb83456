import Foundation
import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleyWire
import Testing

/// What `doctor` finds in the logs: what is nowhere else, forked, damaged, void, waiting.
@Suite(.timeLimit(.minutes(2)))
struct DoctorLogTests: DoctorsVisit {
    let homes: Homes
    let clock = TestClock()

    init() throws {
        homes = try Homes()
    }

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

    /// A sync that fails for a damaged file looks like a bad network to whoever waits for it.
    @Test func aFileThatTakesNothingInIsNamed() async throws {
        let (amal, basil) = try await pair()
        let log = NotedLog()
        try damage(basil, "DROP TABLE touch")
        let one = try await RunningNode.start(amal, environment: environment())
        let other = try await RunningNode.start(basil, environment: environment(), log: log)
        let made = try await one.json(.new("note", "title=x"))
        let id = try #require(made["record"].content)
        _ = try await one.json(.addPeer(node: "basil", address: other.address))
        _ = try await one.ask(.sync(peer: "basil", waitSeconds: 20))
        let well = try await lines("file", in: other.ask(.doctor))
        #expect(well.isEmpty)
        _ = try await one.ask(.edit(id, "title=y"))
        await log.line(containing: "no such table: touch")
        let found = try await lines("file", in: other.ask(.doctor))
        #expect(found.map(\.ok) == [false])
        #expect(found.first?.detail.contains("cannot take what others send into") == true)
        #expect(found.first?.next?.contains("keep a copy of the home") == true)
        for node in [one, other] { await node.stop() }
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
