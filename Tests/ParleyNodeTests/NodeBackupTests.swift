import Foundation
import GRDB
import ParleyControl
import ParleyNode
import ParleyVault
import Testing

/// What a node does for a backup, and what stands in the way of one.
@Suite(.timeLimit(.minutes(2)))
struct NodeBackupTests {
    private let homes: Homes

    init() throws {
        homes = try Homes()
    }

    private func copies(in home: Home) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: home.path)
        return (names ?? []).filter { $0.hasPrefix("copy-") }
    }

    /// However a command ends, its connection does.
    @Test func copiesDoNotOutliveTheCommandThatAskedForThem() async throws {
        let amal = try await RunningNode.start(homes["amal"])
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        let leave = DispatchSemaphore(value: 0)
        let path = amal.home.controlPath
        let answer = try await withCheckedThrowingContinuation { continuation in
            // The connection lives as long as this thread.
            Thread.detachNewThread {
                do {
                    let client = try ControlClient.connect(path: path)
                    continuation.resume(
                        returning: try client.request(
                            Envelope(casebook: nil, request: .copyCasebooks)))
                    leave.wait()
                    withExtendedLifetime(client) {}
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
        #expect(answer.exitCode == 0)
        let folder = try #require(copies(in: amal.home).first)
        let files = try FileManager.default.contentsOfDirectory(
            atPath: "\(amal.home.path)/\(folder)")
        #expect(files == ["0"])
        let attributes = try FileManager.default.attributesOfItem(
            atPath: "\(amal.home.path)/\(folder)/0")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        leave.signal()
        while !copies(in: amal.home).isEmpty { await Task.yield() }
        await amal.stop()
    }

    /// What can't be read, or isn't what was written, isn't backed up: it might take the place of a
    /// backup that is sound.
    @Test(arguments: ["batch", "record"])
    func aDamagedCasebookIsNotBackedUp(table: String) async throws {
        let amal = try await RunningNode.start(homes["amal"])
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        for number in 0..<300 { _ = try await amal.ask(.new("note", "title=\(number)")) }
        await amal.stop()
        let path = try #require(homes["amal"].casebookPaths().first)
        let queue = try DatabaseQueue(path: path)
        let page = try await queue.read { db in
            try Int.fetchOne(
                db,
                sql: "SELECT min(pageno) FROM dbstat WHERE name = ? AND pagetype = 'leaf'",
                arguments: [table]) ?? 0
        }
        let size = try await queue.read { try Int.fetchOne($0, sql: "PRAGMA page_size") ?? 0 }
        try queue.close()
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: UInt64((page - 1) * size + 100))
        try file.write(contentsOf: Data(repeating: 0x5a, count: size - 100))
        try file.close()
        let node = try await Node(home: homes["amal"])
        await #expect {
            _ = try await node.copyCasebooks()
        } throws: {
            ($0 as? NodeError)?.kind == .integrity
        }
        #expect(copies(in: homes["amal"]).isEmpty)
        await node.close()
    }

    private func node(
        withRoom bytes: UInt64
    ) async throws -> (node: Node, environment: NodeEnvironment) {
        let environment = NodeEnvironment(freeSpace: { _ in FreeSpace(bytes: bytes) })
        _ = try homes["amal"].create(name: "amal")
        return (try await Node(home: homes["amal"], environment: environment), environment)
    }

    @Test func aBackupLeavesRoomForEdits() async throws {
        let (node, _) = try await node(withRoom: FreeSpace.editReserve)
        let created = await node.perform(
            Envelope(casebook: nil, request: .createCasebook(name: "exchanges")))
        #expect(created.exitCode == 0)
        await #expect {
            _ = try await node.copyCasebooks()
        } throws: {
            ($0 as? NodeError)?.message.contains("Make room") == true
        }
        #expect(copies(in: homes["amal"]).isEmpty)
        await node.close()
    }

    @Test func aRestoreLeavesRoomForEditsOrChangesNothing() async throws {
        let (node, environment) = try await node(withRoom: FreeSpace.editReserve + (1 << 24))
        _ = await node.perform(
            Envelope(casebook: nil, request: .createCasebook(name: "exchanges")))
        let passphrase = try #require(Passphrase(utf8: Array("correct horse".utf8)))
        let file = homes["amal.backup"].path
        let lent = try await node.copyCasebooks()
        let copied = try JSONDecoder().decode(
            CopiedCasebooks.self, from: Data((lent.response.json ?? "").utf8))
        _ = try BackupWriter(of: homes["amal"], from: copied, to: file)
            .write(sealedWith: passphrase, replacing: false)
        lent.remove()
        await node.close()

        let full = NodeEnvironment(freeSpace: { _ in FreeSpace(bytes: FreeSpace.editReserve) })
        let target = homes["restored"]
        await #expect {
            _ = try await Restoration(to: target, forced: false, environment: full)
                .run(try BackupReader(file), passphrase: passphrase)
        } throws: {
            ($0 as? NodeError)?.message.contains("Make room") == true
        }
        #expect(!FileManager.default.fileExists(atPath: target.path))
        let outcome = try await Restoration(to: target, forced: false, environment: environment)
            .run(try BackupReader(file), passphrase: passphrase)
        #expect(outcome.casebooks.map(\.name) == ["exchanges"])
    }
}
