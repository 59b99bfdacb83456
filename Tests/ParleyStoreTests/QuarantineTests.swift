import ParleyCRDT
import ParleyModel
import ParleyStore
import Testing

/// A change that can't be applied holds up its own log and nobody else's, also after a restart, and
/// is applied once it can be.
@Suite struct QuarantineTests {
    @Test func oneChangeThatFailsTakesNobodyAlong() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let bad = try await #require(anna.create("exchange", write("place", "a")).recordIDs[0])
        for node in [boris, carla] { try await node.pull(from: anna) }
        // What stands of the record at boris' can't be read any more.
        try await boris.store.close()
        let file = SQLiteFile(boris.path)
        try file.run("CREATE TABLE kept AS SELECT * FROM record")
        try file.run("UPDATE record SET side = x'ff00ff', doc = '{'")
        var node = try boris.opened()

        let failing = try await anna.edit(bad, write("place", "b"))
        let behind = try await #require(anna.create("note", write("title", "t")).recordIDs[0])
        let other = try await #require(carla.create("note", write("title", "u")).recordIDs[0])
        for _ in 0..<2 {
            for source in [anna, carla] { try await node.pull(from: source) }
            #expect(try await node.record(other)?.document.title == "u")
            #expect(try await node.record(behind) == nil, "its log waits")
            for source in [anna, carla] {
                let origin = source.store.origin
                #expect(node.store.heldClock[origin] == source.store.heldClock[origin])
            }
            let aside = try await node.store.read { try $0.setAsideChanges() }
            #expect(
                aside == [
                    ChangeRange(
                        origin: anna.store.origin,
                        sequences: failing.dot.sequence...failing.dot.sequence)
                ])
            // It is passed on as far as it is applied, and own work goes on.
            try await node.create("note", write("title", "own"))
            node = try await node.reopened()
        }

        try await node.store.close()
        try file.run(
            """
            UPDATE record SET (side, doc) =
                (SELECT side, doc FROM kept WHERE kept.n = record.n)
            WHERE n IN (SELECT n FROM kept)
            """)
        node = try node.opened()
        try await carla.create("note", write("title", "news"))
        try await node.pull(from: carla)
        #expect(try await node.store.read { try $0.setAsideChanges() }.isEmpty)
        #expect(try await node.record(behind)?.document.title == "t")
        #expect(try await node.record(bad)?.document.text("place") == "b")
        #expect(try await node.store.audit().findings == [])
    }
}
