import NIOConcurrencyHelpers
import ParleyControl
import ParleyNode
import Testing

/// A disk on which room runs out, as its file system would say it.
private final class Disk: Sendable {
    private let bytes = NIOLockedValueBox<UInt64>(1 << 40)

    var environment: NodeEnvironment {
        NodeEnvironment(freeSpace: { _ in FreeSpace(bytes: self.bytes.withLockedValue { $0 }) })
    }

    func leave(mebibytes: UInt64) {
        bytes.withLockedValue { $0 = mebibytes << 20 }
    }
}

/// What a node does while its disk is nearly full, and how people hear of it.
@Suite(.timeLimit(.minutes(2)))
struct DiskRoomTests {
    private let homes: Homes
    private let disk = Disk()

    init() throws {
        homes = try Homes()
    }

    private func report(_ title: String) -> Request { .new("report", "title=\(title)") }

    private func problems(of node: RunningNode) async throws -> [String] {
        try await node.json(.status)["problems"]?.items.compactMap(\.content) ?? []
    }

    /// Below 256 MiB nothing is received: status, log and both sides' syncs say so, edits go on, and
    /// once there is room all of it comes.
    @Test func whatOthersSendWaitsForRoom() async throws {
        let log = NotedLog()
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(
            homes["basil"], name: "basil", environment: disk.environment, log: log)
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(basil)
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        disk.leave(mebibytes: 255)
        let before = try await basil.digest
        _ = try await amal.ask(report("sent in vain"))

        let sent = try await amal.ask(.sync(peer: "basil", waitSeconds: 20))
        #expect(sent.exitCode == 5)
        #expect(sent.json?.contains("its disk is full") == true)
        let received = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        #expect(received.exitCode == 5)
        #expect(received.json?.contains("too little free disk space here") == true)
        #expect(try await basil.digest == before)
        #expect(try await problems(of: basil).first?.contains("256 MiB") == true)
        #expect(log.lines.count { $0.contains("256 MiB") } == 1)
        #expect(try await basil.ask(report("typed here")).exitCode == 0)

        disk.leave(mebibytes: 256)
        #expect(try await basil.ask(.sync(peer: "amal", waitSeconds: 20)).exitCode == 0)
        #expect(try await basil.digest == amal.digest)
        #expect(try await problems(of: basil).isEmpty)
        for node in [amal, basil] { await node.stop() }
    }

    /// An invitation isn't used up where the casebook couldn't come.
    @Test func joiningNeedsRoomFirst() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(
            homes["basil"], name: "basil", environment: disk.environment)
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        let code = try await amal.json(.invite(role: "editor", expiresSeconds: 60, address: nil))
        let join = Request.join(code: code["code"]?.content ?? "")
        disk.leave(mebibytes: 255)
        let refused = try await basil.ask(join)
        #expect(refused.exitCode == 1 && refused.error?.contains("256 MiB") == true)
        disk.leave(mebibytes: 256)
        #expect(try await basil.ask(join).exitCode == 0)
        for node in [amal, basil] { await node.stop() }
    }

    /// Whoever can't be told who was shut out passes nothing on to anybody, until it has heard.
    @Test func whoCannotHearOfARevocationSendsNothing() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(
            homes["basil"], name: "basil", environment: disk.environment)
        let thief = try await RunningNode.start(homes["thief"], name: "thief")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        for node in [basil, thief] {
            _ = try await amal.admit(node)
            _ = try await amal.ask(.sync(peer: nil, waitSeconds: 20))
        }
        _ = try await thief.ask(.addPeer(node: "basil", address: basil.address))
        #expect(try await thief.ask(.sync(peer: "basil", waitSeconds: 20)).exitCode == 0)
        let before = try await thief.digest
        disk.leave(mebibytes: 255)
        _ = try await amal.ask(.revokePeer(peer: "thief", until: []))
        _ = try await amal.ask(.sync(peer: "basil", waitSeconds: 20))
        #expect(try await basil.ask(report("not for thieves")).exitCode == 0)
        _ = try await thief.ask(.sync(peer: "basil", waitSeconds: 20))
        #expect(try await thief.digest == before)
        disk.leave(mebibytes: 256)
        // What the thief sends doesn't open the gate.
        _ = try await thief.ask(report("bait"))
        _ = try await thief.ask(.sync(peer: "basil", waitSeconds: 2))
        #expect(try await titles(on: thief) == ["bait"])
        #expect(try await basil.ask(.sync(peer: "amal", waitSeconds: 60)).exitCode == 0)
        #expect(try await amal.digest == basil.digest)
        _ = try await thief.ask(.sync(peer: "basil", waitSeconds: 20))
        #expect(try await titles(on: thief) == ["bait"])
        for node in [amal, basil, thief] { await node.stop() }
    }

    /// Who has nothing more that isn't here has been heard, whoever brought it.
    @Test func whatOthersBroughtOpensTheGate() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(
            homes["basil"], name: "basil", environment: disk.environment)
        let chadia = try await RunningNode.start(homes["chadia"], name: "chadia")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        for node in [basil, chadia] {
            _ = try await amal.admit(node)
            _ = try await amal.ask(.sync(peer: nil, waitSeconds: 20))
        }
        _ = try await basil.ask(.addPeer(node: "chadia", address: chadia.address))
        disk.leave(mebibytes: 255)
        _ = try await amal.ask(report("refused at first"))
        _ = try await amal.ask(.sync(peer: "basil", waitSeconds: 20))
        #expect(try await amal.ask(.sync(peer: "chadia", waitSeconds: 20)).exitCode == 0)
        await amal.stop()
        disk.leave(mebibytes: 256)
        #expect(try await basil.ask(.sync(peer: "chadia", waitSeconds: 20)).exitCode == 0)
        #expect(try await titles(on: basil) == ["refused at first"])
        _ = try await basil.ask(report("own"))
        let again = try await RunningNode.start(homes["amal"], listen: amal.address)
        #expect(try await basil.ask(.sync(peer: "amal", waitSeconds: 20)).exitCode == 0)
        #expect(try await again.digest == basil.digest)
        for node in [again, basil, chadia] { await node.stop() }
    }

    private func titles(on node: RunningNode) async throws -> [String?] {
        try await node.json(.list(type: nil, filters: [], sort: nil, limit: 0)).items
            .map { $0["title"]?.content }
    }

    /// Below 64 MiB nothing is written, with or without a daemon.
    @Test func editsStopBeforeTheDiskIsFull() async throws {
        _ = try homes["amal"].create(name: "amal")
        let node = try await Node(home: homes["amal"], environment: disk.environment)
        func exitCode(_ request: Request) async -> Int32 {
            await node.perform(Envelope(casebook: nil, request: request)).exitCode
        }
        #expect(await exitCode(.createCasebook(name: "exchanges")) == 0)
        disk.leave(mebibytes: 63)
        let refused = await node.perform(Envelope(casebook: nil, request: report("refused")))
        #expect(refused.exitCode == 1)
        #expect(refused.error?.contains("64 MiB") == true)
        let status = await node.perform(Envelope(casebook: nil, request: .status))
        #expect(status.json?.contains("nothing is written") == true)
        #expect(await exitCode(.list(type: nil, filters: [], sort: nil, limit: 0)) == 0)
        disk.leave(mebibytes: 64)
        #expect(await exitCode(report("taken")) == 0)
        await node.close()
    }

    /// What protects people has the last room there is.
    @Test func revokingAndErasingGoOnUntilNearlyNothingIsLeft() async throws {
        let amal = try await RunningNode.start(
            homes["amal"], name: "amal", environment: disk.environment)
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(basil)
        var records: [String] = []
        for _ in 0..<2 {
            let made = try await amal.json(.new("source", "name=a"))
            records.append(try #require(made["record"].content))
        }
        let requests: [Request] = [
            .redact(record: records[0], field: "name", basis: "asked"),
            .erase(record: records[0], basis: "asked"),
            .setRole(peer: "basil", role: "reader"), .revokePeer(peer: "basil", until: []),
        ]
        disk.leave(mebibytes: 0)
        for request in requests {
            let refused = try await amal.ask(request)
            #expect(refused.exitCode == 1 && refused.error?.contains("1 MiB") == true)
        }
        disk.leave(mebibytes: 1)
        #expect(try await amal.ask(report("refused")).exitCode == 1)
        for request in requests { #expect(try await amal.ask(request).exitCode == 0) }
        for node in [amal, basil] { await node.stop() }
    }
}
