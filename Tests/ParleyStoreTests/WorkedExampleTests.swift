import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire
import Testing

/// The numbers of Protocol/parley-1.md §20 that follow from merging: clock digest, canonical state,
/// casebook digest.
@Suite struct WorkedExampleTests {
    /// A file below `Protocol/`.
    private static func text(_ path: String) throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Protocol")
        return try String(contentsOf: folder.appending(path: path), encoding: .utf8)
    }

    /// The two changes of the example, applied by somebody who joins.
    private func store() async throws -> (TestFolder, CasebookStore) {
        let vector = try WorkedExampleTests.text("vectors/valid/signed-founding.hex")
        let digits = vector.split(separator: "\n").map { $0.prefix { $0 != "#" } }.joined()
        let bytes = try #require(Hexadecimal.bytes(of: digits.filter { !$0.isWhitespace }))
        let casebook = try #require(
            Hexadecimal.bytes(
                of: "d108a8bf0fb4ffadecaf8ce22742b1e77fca35d51357a239cc80ad4c551e6477"))
        let folder = try TestFolder()
        let store = try CasebookStore.joining(
            at: folder.file("example"), casebook: #require(Digest(bytes: casebook)),
            identity: TestNode.identity(9), environment: TestEnvironment().environment)
        let batch = try VerifiedBatch(bytes: bytes, casebook: store.casebookID, previous: .zero)
        try await store.ingest([batch])
        return (folder, store)
    }

    private func isPrinted(_ bytes: [UInt8]) throws -> Bool {
        let page = try WorkedExampleTests.text("parley-1.md").filter { !$0.isWhitespace }
        return page.contains(Hexadecimal.text(of: bytes))
    }

    @Test func theSpecificationsDigestsHold() async throws {
        let (folder, store) = try await store()
        let clock = store.heldClock
        var entries = ByteWriter()
        entries.clockEntries(clock.entries)
        #expect(try isPrinted(entries.bytes))
        #expect(try isPrinted(clock.digest.bytes))

        let record = try await #require(
            store.read { scope in
                try scope.records(withPrefix: "b0d7", limit: 1).first.flatMap(scope.record)
            })
        let dot = record.created.hash.bytes
        var state = ByteWriter()
        state.bytes(Array("person".utf8))
        state.varint(1)
        state.raw(dot)
        state.raw([1, 0, 3, 0])
        state.varint(2)
        for (name, value) in [("count_a", "307"), ("name", "Iryna")] {
            state.bytes(Array(name.utf8))
            state.raw([1, 0, 1])
            state.bytes(Array(value.utf8))
        }
        state.varint(0)
        #expect(try isPrinted(state.bytes))
        let digest = try await store.read { try $0.summary().digest }
        #expect(Hashing.digest(record.id.bytes, state.bytes) == digest)
        #expect(try isPrinted(digest.bytes))
        try await store.close()
        _ = folder
    }
}
