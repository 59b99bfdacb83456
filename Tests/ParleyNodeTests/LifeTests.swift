import Foundation
import GRDB
import ParleyControl
import ParleyNode
import ParleyStore
import Testing

/// Starting and stopping when something isn't as it should be.
@Suite(.timeLimit(.minutes(2)))
struct LifeTests {
    private let homes: Homes

    init() throws {
        homes = try Homes()
    }

    private func report(_ title: String) -> Request {
        .new(
            type: "report", assignments: [.init(field: "title", operator: .set, value: title)],
            because: nil)
    }

    private func file(of home: Home, _ index: Int = 0) -> String {
        home.casebookPaths()[index]
    }

    /// Whoever waits for a peer that doesn't come doesn't keep the node from stopping.
    @Test func aNodeStopsWhileACommandWaits() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(basil)
        await basil.stop()
        let waiting = Task { try? await amal.ask(.sync(peer: "basil", waitSeconds: 3600)) }
        for _ in 0..<20 { _ = try await amal.ask(.status) }
        await amal.stop()
        _ = await waiting.value
    }

    @Test func aDamagedCasebookDoesNotTakeTheOthersAlong() async throws {
        let home = homes["amal"]
        var node = try await RunningNode.start(home, name: "amal")
        for name in ["first", "second"] { _ = try await node.ask(.createCasebook(name: name)) }
        await node.stop()
        try Data(repeating: 7, count: 8192).write(to: URL(fileURLWithPath: file(of: home)))
        node = try await RunningNode.start(home)
        let status = try await node.json(.status)
        let sound = try #require(status["casebooks"]?.items.first?["name"]?.content)
        #expect(status["casebooks"]?.items.count == 1)
        #expect(status["problems"]?.items.count == 1)
        #expect(status["problems"]?.items.first?.content?.contains(file(of: home)) == true)
        let vague = try await node.ask(report("a"))
        #expect(vague.exitCode == 7)
        #expect(vague.error?.contains("--casebook") == true)
        #expect(try await node.ask(report("a"), casebook: sound).exitCode == 0)
        await node.stop()
    }

    /// A copy in the folder, whatever it is called, neither takes the casebook's place nor goes
    /// unnoticed.
    @Test(arguments: ["zz-backup", "0-backup"])
    func aCopyDoesNotTakeTheCasebooksPlace(name: String) async throws {
        let home = homes["amal"]
        var node = try await RunningNode.start(home, name: "amal")
        _ = try await node.ask(.createCasebook(name: "exchanges"))
        await node.stop()
        let copy = home.casebooksPath + "/\(name).sqlite"
        try FileManager.default.copyItem(atPath: file(of: home), toPath: copy + ".kept")
        node = try await RunningNode.start(home)
        _ = try await node.ask(report("written after the copy"))
        let digest = try await node.digest
        await node.stop()
        try FileManager.default.moveItem(atPath: copy + ".kept", toPath: copy)
        node = try await RunningNode.start(home)
        #expect(try await node.digest == digest)
        let problems = try await node.json(.status)["problems"]?.items ?? []
        #expect(problems.count == 1)
        #expect(problems.first?.content?.contains(copy) == true)
        #expect(try await node.ask(report("another")).exitCode == 0)
        await node.stop()
    }

    /// After an unclean stop the file is read through in the background, and what is found is shown.
    @Test(.timeLimit(.minutes(2)))
    func damageFoundByTheCheckIsShown() async throws {
        let home = homes["amal"]
        var node = try await RunningNode.start(home, name: "amal")
        _ = try await node.ask(.createCasebook(name: "exchanges"))
        for number in 0..<20 { _ = try await node.ask(report("\(number)")) }
        await node.stop()
        try damageRecords(in: file(of: home))
        // Left behind by a process that was killed; no valid frame is in it.
        try Data(repeating: 0, count: 64).write(to: URL(fileURLWithPath: file(of: home) + "-wal"))
        let log = NotedLog()
        node = try await RunningNode.start(home, log: log)
        await log.line(containing: "a casebook's file is damaged")
        let problems = try await node.json(.status)["problems"]?.items ?? []
        #expect(problems.first?.content?.contains("damaged") == true)
        await node.stop()
    }

    /// Makes nonsense of the page where the table of records begins.
    private func damageRecords(in path: String) throws {
        let queue = try DatabaseQueue(path: path)
        let page = try queue.read {
            try Int.fetchOne($0, sql: "SELECT rootpage FROM sqlite_master WHERE name = 'record'")
        }
        try queue.close()
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.seek(toOffset: UInt64((try #require(page) - 1) * 4096 + 8))
        try handle.write(contentsOf: Data(repeating: 0xff, count: 16))
        try handle.close()
    }
}
