import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleySimulation
import ParleyStore
import ParleyTestSupport
import Testing

/// What a failed sync leaves in memory counts as written and isn't.
@Suite(.serialized) struct FailedSyncTests {
    /// A commit whose sync fails, then a start that loses its power at one of its operations. However
    /// much of either reached the disk, the casebook opens, is sound, and has what was acknowledged.
    @Test(arguments: 0..<20)
    func aStartThatIsCutOffCopiesNoHalfChange(after operations: Int) async throws {
        for seed in 1...2 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let bench = try await Bench()
            try await bench.failSync()
            bench.disk.plan(.powerCut(keepsAll: false), after: operations)
            try? await bench.open().close()
            bench.disk.cutPower()
            bench.disk.comeBack(&random)
            try await bench.check("seed \(seed)")
        }
    }

    /// Closing after a commit that failed leaves the log for the next opening to look at.
    @Test func nothingIsCopiedBackAfterAFailedCommit() async throws {
        let bench = try await Bench()
        let before = FileManager.default.contents(atPath: bench.path)
        try await bench.failSync()
        #expect(FileManager.default.contents(atPath: bench.path) == before)
        let store = try bench.open()
        #expect(store.wasStoppedUncleanly)
        try await store.close()
    }
}

/// A casebook on a disk of its own.
private final class Bench {
    let folder: String
    let path: String
    let disk: SimulatedDisk
    private let identity = Identity(privateKey: [UInt8](repeating: 1, count: 32))!
    private var store: CasebookStore?
    private var acknowledged = 0

    init() async throws {
        folder = NSTemporaryDirectory() + "parley-sync-" + UUID().uuidString
        path = folder + "/anna.sqlite"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        disk = SimulatedDisk(folder: folder)
        store = try await CasebookStore.found(
            at: path, name: "exchange", memberName: "anna", identity: identity)
        for _ in 0..<8 { try await create() }
        // What is in the log hides what is in the file.
        try await store?.close()
        store = try open()
    }

    deinit {
        disk.remove()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func create() async throws {
        let text = Array(String(repeating: "what was seen ", count: 100).utf8)
        try await store?.write {
            _ = try $0.append([
                .creation(
                    type: FieldName("exchange")!,
                    [Operation(.write, field: FieldName("title")!, values: [.text(text)])])
            ])
        }
        acknowledged += 1
    }

    /// One more record, whose sync fails; then the process ends and the disk is well again.
    func failSync() async throws {
        disk.failNextSync()
        await #expect(throws: StoreError.stopped) { try await create() }
        try? await store?.close()
        store = nil
        disk.heal()
    }

    func open() throws -> CasebookStore { try CasebookStore.open(at: path, identity: identity) }

    func check(_ comment: Comment) async throws {
        let store = try open()
        #expect(try await store.damage(by: .indexes).isEmpty, comment)
        #expect(try await store.audit().findings == [], comment)
        let count = try await store.read { try $0.summary().recordCount }
        #expect(count == acknowledged || count == acknowledged + 1, comment)
        try await store.close()
    }
}
