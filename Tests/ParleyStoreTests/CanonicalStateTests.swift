import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire
import Testing

/// The digest by which nodes tell that their casebooks are equal.
@Suite struct CanonicalStateTests {
    /// Spelt out byte by byte from the specification, for a record that is as created.
    @Test func theDigestOfOneRecordIsAsSpecified() async throws {
        let anna = try await TestNode.founder()
        #expect(try await anna.digest() == .zero)
        let created = try await anna.create(
            "exchange", write("title", "A"), add("tags", "y", "x"), write("place", "B"))
        var state = ByteWriter()
        state.raw(try #require(created.recordIDs[0]).bytes)
        state.bytes(Array("exchange".utf8))
        state.raw([1])
        state.raw(created.hash.prefix.bytes)
        state.raw([1, 0, 3, 0])
        state.raw([2])
        state.bytes(Array("place".utf8))
        state.raw([1, 0, 1, 1, UInt8(ascii: "B")])
        state.bytes(Array("title".utf8))
        state.raw([1, 0, 1, 1, UInt8(ascii: "A")])
        state.raw([1])
        state.bytes(Array("tags".utf8))
        state.raw([2])
        for element in ["x", "y"] {
            state.raw([1])
            state.bytes(Array(element.utf8))
            state.raw([1, 0, 2, 0])
        }
        #expect(try await anna.digest() == Hashing.digest(state.bytes))
    }

    /// The short way taken for plain creations and the general one end in the same digest, which
    /// is computed anew from the stored states.
    @Test func bothWaysOfCreatingAgree() async throws {
        let anna = try await TestNode.founder()
        let plain = [write("title", "A"), add("tags", "x"), write("place", "\u{1}\u{2028}é\"\\")]
        let reopened = Operation(
            .resolve, field: name("note"), values: [text("b"), text("a")],
            drops: [DotReference(origin: anna.store.origin, sequence: 1)])
        let absent = Operation(.write, field: name("note"), values: [.absent])
        for more in [[], [reopened], [absent], [delete]] {
            let created = try await anna.store.write {
                try $0.append([.creation(type: name("exchange"), plain + more)])
            }
            let id = try #require(created.recordIDs[0])
            let record = try await #require(anna.record(id))
            #expect(record.document.text("place") == "\u{1}\u{2028}é\"\\")
            let edits = try await anna.store.read { try $0.edits(of: id).map(\.edit) }
            #expect(record.state == RecordState.meaning(of: edits, in: LinearAncestry()))
            let recomputed = try await anna.store.read { try $0.recomputedDigest() }
            #expect(try await anna.digest() == recomputed)
        }
        #expect(try await anna.store.read { try $0.conflicts(limit: 0).count } == 1)
        #expect(try await anna.store.read { try $0.summary().recordCount } == 3)
        let boris = try await anna.admitting("boris", seed: 2)
        #expect(try await boris.digest() == anna.digest())
    }

    /// Records of one batch that name their fields in other orders, or other fields: each comes to what it
    /// says, whatever was learnt from the one before.
    @Test func creationsOfManyOrdersAgree() async throws {
        let anna = try await TestNode.founder()
        let fields = [
            ["title", "place", "note"], ["title", "place", "note"], ["note", "place", "title"],
            ["place", "note"], ["title"], ["place", "title", "note"], ["title", "place", "date"],
            [], ["note", "title", "place"],
        ]
        let made = try await anna.store.write { scope in
            try scope.append(
                fields.map { names in
                    .creation(type: name("exchange"), names.map { write($0, "\($0) said") })
                })
        }
        let boris = try await anna.admitting("boris", seed: 2)
        for node in [anna, boris] {
            for (id, names) in zip(made.recordIDs, fields) {
                let id = try #require(id)
                let document = try await #require(node.record(id)).document
                #expect(document.fields.map(\.name.text) == names.sorted())
                #expect(names.allSatisfy { document.text($0) == "\($0) said" })
            }
            let recomputed = try await node.store.read { try $0.recomputedDigest() }
            #expect(try await node.digest() == recomputed)
            #expect(try await node.store.audit().findings == [])
        }
        #expect(try await boris.digest() == anna.digest())
    }

    /// A record that went through an edit and back is not the record it was: who wrote it differs.
    @Test func theDigestTellsWhoWrote() async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(anna.create("exchange", write("title", "A")).recordIDs[0])
        let before = try await anna.digest()
        try await anna.edit(id, write("title", "B"))
        try await anna.edit(id, write("title", "A"))
        #expect(try await anna.digest() != before)
        #expect(try await anna.record(id)?.document.title == "A")
    }
}
