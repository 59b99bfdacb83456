import Foundation
import ParleyCRDT
import ParleyModel
import ParleyStore
import Testing

/// Files of every earlier version, as the programs of that time wrote them, are taken over whole.
///
/// Each fixture holds the same story: an exchange with tags that was edited, two reports of which
/// one was deleted, the words indexed.
@Suite struct MigrationTests {
    private func open(_ fixture: String) throws -> (TestFolder, CasebookStore) {
        let folder = try TestFolder()
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/\(fixture).sqlite")
        try FileManager.default.copyItem(
            at: source, to: URL(fileURLWithPath: folder.file("casebook")))
        let environment = TestEnvironment().environment.indexing([name("tags"), name("stage")])
        let store = try CasebookStore.open(
            at: folder.file("casebook"), identity: TestNode.identity(1), environment: environment)
        return (folder, store)
    }

    @Test(arguments: [1, 2, 3, 4])
    func anOlderFileIsTakenOver(version: Int) async throws {
        let (folder, store) = try open("version-\(version)")
        try await store.read { scope in
            let summary = try scope.summary()
            #expect(
                summary.digest.bytes.prefix(8)
                    == [0x47, 0xc6, 0x34, 0x5f, 0x10, 0x05, 0x1e, 0x91])
            #expect(try scope.recomputedDigest() == summary.digest)
            #expect(summary.recordCount == 2)
            #expect(try scope.list(type: nil, sort: nil, limit: 0).count == 2)
            #expect(try scope.list(type: nil, deleted: true, sort: nil, limit: 0).count == 1)
        }
        for isIndexed in [false, true] {
            if isIndexed { try await store.index() }
            try await store.read { scope in
                #expect(try scope.indexBacklog() == (isIndexed ? 0 : 3))
                #expect(try scope.find(words: "احمد", limit: 0).map(\.title) == ["Ten for ten"])
                let filters = [(name("tags"), Array("sea".utf8))]
                let listed = try scope.list(
                    type: name("exchange"), filters: filters, sort: nil, limit: 0)
                #expect(listed.map(\.document.title) == ["Ten for ten"])
            }
        }
        let appended = try await store.write {
            try $0.append([.creation(type: name("note"), [write("title", "goes on")])])
        }
        #expect(appended.dot.sequence == 1, "a copied file writes in an epoch of its own")
        let damage = try await store.damage(by: .pages)
        #expect(damage == [])
        try await store.close()
        _ = folder
    }
}
