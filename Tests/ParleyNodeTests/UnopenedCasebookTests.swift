import Foundation
import Glibc
import NIOConcurrencyHelpers
import ParleyControl
import ParleyNode
import ParleyTestSupport
import Testing

/// Casebooks that can't be opened when a node starts.
@Suite(.timeLimit(.minutes(2)))
struct UnopenedCasebookTests {
    private let homes: Homes
    private let mebibytes = Mebibytes()

    /// The room the disk seems to have.
    private final class Mebibytes: Sendable {
        private let value = NIOLockedValueBox<UInt64>(1 << 20)

        var environment: NodeEnvironment {
            NodeEnvironment(freeSpace: { _ in
                FreeSpace(bytes: self.value.withLockedValue { $0 } << 20)
            })
        }

        func leave(_ count: UInt64) { value.withLockedValue { $0 = count } }
    }

    init() throws {
        homes = try Homes()
    }

    /// A home as a node leaves it that is killed: what was written is in write-ahead logs.
    private func remains(of home: Home) throws -> Home {
        let copy = homes["killed-" + (home.path as NSString).lastPathComponent]
        #expect(mkdir(copy.path, 0o700) == 0)
        for name in ["node.key", "node.json", "casebooks"] {
            try FileManager.default.copyItem(
                atPath: "\(home.path)/\(name)", toPath: "\(copy.path)/\(name)")
        }
        return copy
    }

    private func note(_ title: String) -> Request { .new("note", "title=\(title)") }

    private func killed() async throws -> Home {
        let node = try await RunningNode.start(homes["amal"], name: "amal")
        _ = try await node.ask(.createCasebook(name: "exchanges"))
        for number in 0..<20 { _ = try await node.ask(note("\(number)")) }
        let home = try remains(of: homes["amal"])
        await node.stop()
        return home
    }

    /// What `doctor` advises about files.
    private func advice(of node: RunningNode) async throws -> [String] {
        try await node.json(.doctor).items.filter { $0["check"].content == "file" }
            .compactMap { $0["next"].content }
    }

    /// Room comes back, and the next command finds the casebook; until then nothing is advised that
    /// makes a second one or puts an older one in its place.
    @Test func aCommandOpensWhatThereWasNoRoomFor() async throws {
        let home = try await killed()
        let file = home.casebookPaths()[0]
        mebibytes.leave(0)
        FailingDisk.fail(file, with: ENOSPC)
        let node = try await RunningNode.start(home, environment: mebibytes.environment)
        let status = try await node.json(.status)
        #expect(status["casebooks"]?.items.isEmpty == true)
        #expect(status["unopened"]?.items.map(\.content) == [file])
        let problem = status["problems"]?.items.compactMap(\.content).last ?? ""
        #expect(problem.contains(file) && problem.contains("the disk is full"), "\(problem)")
        #expect(problem.contains("opened by itself"))
        let advice = try await advice(of: node)
        #expect(advice.count == 1 && advice[0].contains("room"), "\(advice)")
        #expect(!advice[0].contains("restore") && !advice[0].contains("move"), "\(advice)")
        let listed = try await node.ask(.listCasebooks)
        #expect(listed.exitCode == 1 && listed.error?.contains("full") == true)

        FailingDisk.heal(file)
        mebibytes.leave(1 << 20)
        let later = try await node.json(.status)
        #expect(later["casebooks"]?.items.first?["records"]?.number == "20")
        #expect(later["problems"]?.items.isEmpty == true)
        #expect(later["unopened"]?.items.isEmpty == true)
        #expect(try await node.ask(note("after")).exitCode == 0)
        await node.stop()
    }

    /// A quota doesn't show in the room that is measured, and a node that only exchanges gets no
    /// commands: it looks by itself, and tells who is connected.
    @Test func aNodeLooksByItselfForRoomAndTellsItsPeers() async throws {
        let clock = ManualClock()
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        for name in ["first", "second"] {
            _ = try await amal.ask(.createCasebook(name: name))
            #expect(try await amal.admit(basil, to: name).exitCode == 0)
        }
        _ = try await amal.ask(note("sent"), casebook: "first")
        #expect(try await basil.ask(.sync(peer: "amal", waitSeconds: 20)).exitCode == 0)
        _ = try await amal.ask(note("left behind"), casebook: "first")
        let home = try remains(of: homes["basil"])
        await basil.stop()
        let files = home.casebookPaths().sorted {
            size(of: $0 + "-wal") < size(of: $1 + "-wal")
        }
        FailingDisk.fail(files[1], with: ENOSPC)
        let log = NotedLog()
        let again = try await RunningNode.start(
            home, environment: NodeEnvironment(clock: clock.nodeClock), log: log)
        #expect(try await again.json(.status)["casebooks"]?.items.count == 1)
        _ = try await again.ask(.sync(peer: "amal", waitSeconds: 20))
        FailingDisk.heal(files[1])
        // Whatever the node waits for comes at once.
        let hurry = Task { for await pause in clock.sleeps { clock.advance(by: pause) } }
        // Nothing is asked before that: a command would have the casebook opened.
        await log.line(containing: "a casebook was opened")
        let names = ["first", "second"]
        while try await digests(of: names, on: again) != digests(of: names, on: amal) {}
        hurry.cancel()
        for node in [amal, again] { await node.stop() }
    }

    private func size(of path: String) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? Int) ?? 0
    }

    private func digests(of casebooks: [String], on node: RunningNode) async throws -> [String?] {
        let status = try await node.json(.status)
        return casebooks.map { name in
            status["casebooks"]?.items.first { $0["name"].content == name }?["digest"].content
        }
    }

    /// A casebook of a newer Parley is sound: nothing is to be put in its place.
    @Test func aNewerFormatIsNoReasonToRestore() async throws {
        let home = homes["amal"]
        var node = try await RunningNode.start(home, name: "amal")
        _ = try await node.ask(.createCasebook(name: "exchanges"))
        await node.stop()
        // SQLite's `user_version`.
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: home.casebookPaths()[0]))
        try handle.seek(toOffset: 60)
        try handle.write(contentsOf: Data([0, 0, 1, 0]))
        try handle.close()
        node = try await RunningNode.start(home)
        let advice = try await advice(of: node)
        #expect(advice.count == 1 && advice[0].contains("newer Parley"), "\(advice)")
        #expect(!advice[0].contains("restore") && !advice[0].contains("move"), "\(advice)")
        await node.stop()
    }

    /// Before anything is put in the place of a damaged file, it is kept: others may not have all of
    /// it.
    @Test func aDamagedFileIsKeptFirst() async throws {
        let home = homes["amal"]
        var node = try await RunningNode.start(home, name: "amal")
        _ = try await node.ask(.createCasebook(name: "exchanges"))
        await node.stop()
        try Data(repeating: 7, count: 8192).write(to: URL(fileURLWithPath: home.casebookPaths()[0]))
        node = try await RunningNode.start(home)
        let advice = try await advice(of: node)
        #expect(advice.first?.hasPrefix("stop the node and keep a copy of the whole home") == true)
        await node.stop()
    }
}
