import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire
import Testing

/// A damaged page can say anything in any column. Whatever is asked of such a file then is answered or
/// refused; the process never ends, because other casebooks are served by it, too.
@Suite struct DamagedColumnTests {
    /// A casebook that has rows in nearly every table: a fork, an erasure, a redaction, a revocation,
    /// conflicts, an invitation, and changes that wait or can't be understood.
    private static func eventful() async throws -> TestNode {
        let anna = try await TestNode.founder(indexing: ["place"])
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let id = try await #require(
            anna.create("person", write("place", "a"), confide("note", "n")).recordIDs[0])
        let erased = try await #require(anna.create("person", write("place", "b")).recordIDs[0])
        let shared = try await #require(
            anna.create("exchange", write("place", "Sweida"), add("tags", "x")).recordIDs[0])
        try await boris.pull(from: anna)
        let twin = try boris.cloned("twin", seed: 4)
        for (node, place) in [(boris, "by boris"), (twin, "by his twin"), (anna, "by anna")] {
            try await node.edit(shared, write("place", place), add("tags", place))
        }
        for other in [boris, twin] { try await anna.pull(from: other) }
        try await carla.create("note", write("title", "beyond"))
        try await anna.pull(from: carla)
        try await anna.erase(erased)
        try await anna.redact(id, "note")
        _ = try await anna.store.finishErasures()
        try await anna.store.write { scope in
            _ = try scope.addInvitation(
                secret: [UInt8](repeating: 7, count: 16), role: .editor, expires: 1 << 50)
            try scope.noteAddress("a.example:7440", of: boris.identity.node, seenMilliseconds: 1)
            try scope.noteTold(Clock(), to: boris.identity.node)
        }
        try await anna.store.index()
        try await anna.revoke(carla.store.origin.node, keeping: [])
        for node in [boris, twin, carla] { try await node.store.close() }
        try await anna.store.close()
        return anna
    }

    /// Every column with values that its type allows and that nobody writes.
    private static func damages(in file: SQLiteFile) throws -> [String] {
        let columns = try file.texts(
            """
            SELECT t.name || '.' || c.name || '.' || c.type FROM sqlite_schema t, pragma_table_info(t.name) c
            WHERE t.type = 'table' AND t.sql NOT LIKE '%VIRTUAL%' AND t.name NOT LIKE 'search_0%'
            """)
        return columns.flatMap { column -> [String] in
            let parts = column.split(separator: ".").map(String.init)
            let values =
                switch parts[2] {
                case "INTEGER": ["-1", "0", "3", "9223372036854775807"]
                case "BLOB": ["X''", "X'FF'", "zeroblob(32)", "randomblob(40)"]
                default: ["''", "'{'", "'{\"place\":7}'"]
                }
            return values.map { "UPDATE OR IGNORE \(parts[0]) SET \(parts[1]) = \($0)" }
        }
    }

    @Test func noValueInAnyColumnEndsTheProcess() async throws {
        let anna = try await Self.eventful()
        let intact = try anna.snapshot("intact")
        let file = SQLiteFile(anna.path)
        let damages = try Self.damages(in: file)
        #expect(damages.count > 300)
        var openedCount = 0
        for sql in damages {
            try anna.putBack(intact)
            try file.run(sql)
            guard let again = try? anna.opened(indexing: ["place"]) else { continue }
            openedCount += 1
            await Self.askEverything(of: again)
            try? await again.store.close()
        }
        #expect(openedCount > 100, "most damage shows only where it is looked at")
    }

    /// What people and peers ask for; errors are fine.
    private static func askEverything(of node: TestNode) async {
        let store = node.store
        _ = try? await store.audit()
        _ = try? await store.damage(by: .indexes)
        _ = try? await store.read { scope in
            let listed = try? scope.list(type: nil, sort: nil, limit: 0)
            for record in listed ?? [] {
                _ = try? scope.record(record.id)
                _ = try? scope.edits(of: record.id)
                for change in (try? scope.history(of: record.id, limit: 9)) ?? [] {
                    _ = try? scope.standing(of: change)
                    _ = try? scope.context(of: change.dot)
                }
            }
            _ = try? scope.find(words: "boris", limit: 9)
            _ = try? scope.conflicts(limit: 9)
            _ = try? scope.summary()
            _ = try? scope.members()
            _ = try? scope.waitingLogs()
            _ = try? scope.voidCounts()
            _ = try? scope.neighbours()
            _ = try? scope.addresses()
            _ = try? scope.openInvitations()
            _ = try? scope.takingsBack()
            _ = try? scope.missingRuns()
            _ = try? scope.logOnlyRecords(withPrefix: "")
        }
        for entry in store.heldClock.entries {
            _ = try? await store.locators(of: entry.origin)
            _ = try? await store.batches(
                for: [PeerLog(origin: entry.origin, tips: [])], byteLimit: 1 << 20)
        }
        for record in (try? await store.read { try $0.list(type: nil, sort: nil, limit: 0) }) ?? []
        {
            _ = try? await node.edit(record.id, write("place", "again"))
        }
        _ = try? await node.create("note", write("title", "new"))
        _ = try? await store.write { scope in
            try scope.consumeInvitation(
                secret: [UInt8](repeating: 7, count: 16), by: node.identity.node)
        }
        _ = try? await store.index()
        _ = try? await store.seal(minimumRuns: 2)
        _ = try? await store.finishErasures()
    }
}
