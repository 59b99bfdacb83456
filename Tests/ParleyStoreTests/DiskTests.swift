import Foundation
import Glibc
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTestSupport
import Testing

/// Full disks and processes that end without warning.
@Suite struct DiskTests {
    /// On a file system of its own that is really full: edits are refused whole, reads go on, and
    /// with room again so do writes. Needs root for the mount and says so elsewhere.
    @Test func aFullDiskRefusesEditsAndNothingElse() async throws {
        guard let disk = SmallDisk(bytes: 3 << 20) else {
            print("SKIP aFullDiskRefusesEditsAndNothingElse: mounting a tmpfs needs root")
            return
        }
        let world = TestEnvironment()
        let identity = TestNode.identity(1)
        let store = try await CasebookStore.found(
            at: disk.path + "/anna.sqlite", name: "exchange", memberName: "anna",
            identity: identity, environment: world.environment)
        func create(_ title: String) async throws -> Appended {
            try await store.write {
                try $0.append([.creation(type: name("exchange"), [write("title", title)])])
            }
        }
        var written: [Appended] = []
        let ballast = try disk.fill(leaving: 600 << 10)
        let long = String(repeating: "0123456789abcdef", count: 1000)
        await #expect(throws: StoreError.full) {
            for number in 0..<10_000 { written.append(try await create("\(number) \(long)")) }
        }
        #expect(!written.isEmpty)
        let count = written.count
        #expect(try await store.read { try $0.summary().recordCount } == count)
        let last = try #require(written.last?.dot.sequence)
        #expect(store.head(of: store.origin).last == last)
        await #expect(throws: StoreError.full) { try await create(long) }
        try FileManager.default.removeItem(atPath: ballast)
        #expect(try await create("room again").dot.sequence == last + 1)
        #expect(try await store.damage(by: .pages).isEmpty)
        let digest = try await store.read { try $0.summary().digest }
        try await store.close()
        let again = try CasebookStore.open(
            at: disk.path + "/anna.sqlite", identity: identity, environment: world.environment)
        #expect(try await again.read { try $0.summary().recordCount } == count + 1)
        #expect(try await again.read { try $0.summary().digest } == digest)
        try await again.close()
    }

    /// On every disk a casebook is made whole, or nothing of it is left and the error says why.
    @Test(arguments: (8...40).map { $0 * 12 })
    func aCasebookIsMadeWholeOrNotAtAll(kibibytes: Int) async throws {
        guard let disk = SmallDisk(bytes: kibibytes << 10) else {
            print("SKIP aCasebookIsMadeWholeOrNotAtAll: mounting a tmpfs needs root")
            return
        }
        let world = TestEnvironment()
        let (path, identity) = (disk.path + "/anna.sqlite", TestNode.identity(1))
        do {
            let store = try await CasebookStore.found(
                at: path, name: "exchange", memberName: "anna", identity: identity,
                environment: world.environment)
            #expect(store.members.map(\.name) == ["anna"])
            try await store.close()
            #expect(
                try CasebookStore.open(
                    at: path, identity: identity, environment: world.environment
                ).members.map(\.name) == ["anna"])
        } catch {
            #expect(error as? StoreError == .full)
            #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path).isEmpty)
        }
    }

    /// However much is written, the write-ahead log stays near the 64 MiB at which it is copied back.
    @Test func theLogIsCopiedBackWhileItIsWrittenTo() async throws {
        let anna = try await TestNode.founder()
        let long = String(repeating: "0123456789abcdef", count: 4000)
        for _ in 0..<55 {
            try await anna.store.write { scope in
                for number in 0..<25 {
                    _ = try scope.append([
                        .creation(type: name("exchange"), [write("title", "\(number) \(long)")])
                    ])
                }
            }
        }
        func size(_ suffix: String) throws -> Int {
            try Int(
                FileManager.default.attributesOfItem(atPath: anna.path + suffix)[.size] as? UInt64
                    ?? 0)
        }
        #expect(try size("-wal") < 80 << 20)
        #expect(try size("") > 16 << 20)
        #expect(try await anna.store.read { try $0.summary().recordCount } == 1375)
    }

    /// A commit that fails for anything but want of space is one of which nobody knows whether it
    /// happened: the caller hears so, nothing more is served, and what is written after opening
    /// the file again is in a new epoch, so that no dot can ever mean two things. Every write of
    /// the commit is the one that fails, in turn.
    @Test(arguments: 0..<8)
    func afterAnUnknownCommitNothingIsServedAndNoDotIsReused(after: Int) async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(anna.create("exchange", write("title", "a")).recordIDs[0])
        let (origin, digest) = (anna.store.origin, try await anna.digest())
        FailingDisk.fail(anna.path + "-wal", with: EIO, after: after)
        var failure: (any Error)?
        do { try await anna.edit(id, write("title", "b")) } catch { failure = error }
        FailingDisk.heal(anna.path + "-wal")
        guard failure != nil else {
            // There were fewer writes than that.
            #expect(after > 2)
            return
        }
        #expect(failure as? StoreError == .stopped)
        await #expect(throws: StoreError.stopped) { try await anna.record(id) }
        await #expect(throws: StoreError.stopped) { try await anna.edit(id, write("title", "c")) }
        try? await anna.store.close()
        let again = try anna.opened()
        #expect(again.store.origin != origin)
        #expect(try await again.digest() == digest)
        #expect(try await again.edit(id, write("title", "d")).dot.origin == again.store.origin)
        #expect(try await again.record(id)?.document.title == "d")
        #expect(try await again.store.damage(by: .pages).isEmpty)
    }

    /// Want of space shows before anything counts, so such a write is certainly undone.
    @Test(arguments: 0..<4)
    func aCommitThatFindsNoSpaceIsUndone(after: Int) async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(anna.create("exchange", write("title", "a")).recordIDs[0])
        FailingDisk.fail(anna.path + "-wal", with: ENOSPC, after: after)
        var failure: (any Error)?
        do { try await anna.edit(id, write("title", "b")) } catch { failure = error }
        FailingDisk.heal(anna.path + "-wal")
        #expect((failure as? StoreError) == (failure == nil ? nil : .full))
        // Were no fault injected, nothing would fail.
        #expect(failure != nil || after > 0)
        let title = failure == nil ? "b" : "a"
        #expect(try await anna.record(id)?.document.title == title)
        let next = try await anna.edit(id, write("title", "c"))
        #expect(next.dot.sequence == (failure == nil ? 4 : 3))
        let again = try await anna.reopened()
        #expect(try await again.record(id)?.document.title == "c")
    }

    /// A full disk has no room to copy the write-ahead log back. What was erased is erased all the
    /// same, so that isn't a failure; its last bytes go once there is room.
    @Test func anErasureWithoutRoomIsFinishedLater() async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(anna.create("exchange", write("title", "a")).recordIDs[0])
        try await anna.erase(id)
        FailingDisk.fail(anna.path, with: ENOSPC)
        #expect(try await !anna.store.finishErasures())
        FailingDisk.heal(anna.path)
        #expect(try await anna.store.finishErasures())
    }

    /// A sync may succeed on a disk that has just failed; the note of the commit is written next and the
    /// first to hear of it. Nobody is told then that the edit is done. Want of room for the note alone
    /// means nothing.
    @Test(arguments: [false, true])
    func anEditWhoseNoteFindsNoDiskIsNotAcknowledged(isFull: Bool) async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(anna.create("exchange", write("title", "a")).recordIDs[0])
        // Nothing is mapped at its beginning, where every write fails with EIO.
        let device = isFull ? "/dev/full" : "/proc/self/mem"
        #expect(putting(device, inPlaceOf: anna.folder.path + "/anna.generation") == 1)
        if isFull {
            try await anna.edit(id, write("title", "b"))
            let again = try await anna.reopened()
            #expect(try await again.record(id)?.document.title == "b")
            return
        }
        let file = FileManager.default.contents(atPath: anna.path)
        await #expect(throws: StoreError.stopped) { try await anna.edit(id, write("title", "b")) }
        await #expect(throws: StoreError.stopped) { try await anna.record(id) }
        try await anna.store.close()
        // It may not be on the disk, so nothing of it may be in the file.
        #expect(FileManager.default.contents(atPath: anna.path) == file)
        let again = try anna.opened()
        #expect(again.store.wasStoppedUncleanly)
        #expect(try await again.store.damage(by: .pages).isEmpty)
    }

    /// Whoever has a file open has another one open from now on.
    ///
    /// - Returns: how many times it was open.
    private func putting(_ other: String, inPlaceOf path: String) -> Int {
        let links = "/proc/self/fd/"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: links)) ?? []
        let open = names.filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: links + $0)) == path
        }
        let descriptor = Glibc.open(other, O_RDWR | O_CLOEXEC)
        defer { close(descriptor) }
        for name in open { dup2(descriptor, Int32(name)!) }
        return open.count
    }

    /// What a process left behind is copied before anything of it is used. Without the room for that
    /// nothing is opened or changed.
    @Test func aLogThatCannotBeCopiedIsNotUsed() async throws {
        guard let disk = SmallDisk(bytes: 4 << 20) else {
            print("SKIP aLogThatCannotBeCopiedIsNotUsed: mounting a tmpfs needs root")
            return
        }
        let anna = try await TestNode.founder()
        for number in 1...30 { try await anna.create("exchange", write("title", "\(number)")) }
        for file in try FileManager.default.contentsOfDirectory(atPath: anna.folder.path) {
            try FileManager.default.copyItem(
                atPath: anna.folder.path + "/" + file, toPath: disk.path + "/" + file)
        }
        func contents() throws -> [String: Data?] {
            let files = try FileManager.default.contentsOfDirectory(atPath: disk.path)
            return Dictionary(
                uniqueKeysWithValues: files.map {
                    ($0, FileManager.default.contents(atPath: disk.path + "/" + $0))
                })
        }
        func open() throws -> CasebookStore {
            try CasebookStore.open(
                at: disk.path + "/anna.sqlite", identity: anna.identity,
                environment: anna.world.environment)
        }
        for room in [0, 4096, 65_536] {
            let ballast = try disk.fill(leaving: room)
            let before = try contents()
            #expect(throws: StoreError.full) { try open() }
            #expect(try contents() == before)
            try FileManager.default.removeItem(atPath: ballast)
        }
        let copy = try open()
        #expect(copy.wasStoppedUncleanly)
        #expect(try await copy.read { try $0.summary().recordCount } == 30)
        try await copy.close()
        #expect(try contents().keys.sorted() == ["anna.generation", "anna.sqlite"])
    }

    /// A process that is killed leaves its files as they are at that moment. Copies of them, taken
    /// between commits, must open with all that was answered by then.
    @Test func whatWasAnsweredSurvivesAKill() async throws {
        let anna = try await TestNode.founder()
        for number in 1...30 {
            try await anna.create("exchange", write("title", "\(number)"))
            guard number.isMultiple(of: 10) else { continue }
            let folder = try TestFolder()
            for file in try FileManager.default.contentsOfDirectory(atPath: anna.folder.path) {
                try FileManager.default.copyItem(
                    atPath: anna.folder.path + "/" + file, toPath: folder.path + "/" + file)
            }
            let copy = try CasebookStore.open(
                at: folder.file("anna"), identity: anna.identity,
                environment: anna.world.environment)
            #expect(try await copy.read { try $0.summary().recordCount } == number)
            #expect(try await copy.read { try $0.summary().digest } == anna.digest())
            #expect(copy.wasStoppedUncleanly)
            #expect(try await copy.damage(by: .pages).isEmpty)
            try await copy.close()
        }
    }

    @Test func whatIsNoCasebookIsNotOpened() async throws {
        let folder = try TestFolder()
        let identity = TestNode.identity(1)
        #expect(throws: StoreError.self) {
            try CasebookStore.open(at: folder.file("none"), identity: identity)
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("none")))
        try Data(repeating: 7, count: 8192).write(to: URL(fileURLWithPath: folder.file("junk")))
        #expect(throws: StoreError.self) {
            try CasebookStore.open(at: folder.file("junk"), identity: identity)
        }
        let anna = try await TestNode.founder()
        try await anna.store.close()
        #expect(throws: StoreError.self) {
            try CasebookStore.open(at: anna.path, identity: TestNode.identity(2))
        }
    }

    /// A process that ends while it makes a casebook leaves nothing that looks like one, and the
    /// next one starts afresh.
    @Test func aCasebookThatWasNotFinishedIsNoCasebook() async throws {
        let folder = try TestFolder()
        let path = folder.file("anna")
        let leftover = path + CasebookStore.unfinishedSuffix
        try Data(repeating: 7, count: 4096).write(to: URL(fileURLWithPath: leftover))
        try Data(repeating: 7, count: 4096).write(to: URL(fileURLWithPath: leftover + "-wal"))
        let anna = try await TestNode.founder(folder: folder)
        try await anna.create("exchange", write("title", "a"))
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(files.sorted() == ["anna.generation", "anna.sqlite", "anna.sqlite-wal"])
        await #expect(throws: StoreError.damaged("there is a casebook already")) {
            try await TestNode.founder(folder: folder)
        }
    }

    /// The end of a log must be what its lane says and what its author signed: everything written
    /// next continues from there.
    @Test(arguments: 0..<4)
    func aLogThatDoesNotEndAsNotedIsNotOpened(damage: Int) async throws {
        let anna = try await TestNode.founder()
        try await anna.create("exchange", write("title", "a"))
        try await anna.store.close()
        let statement = [
            "UPDATE lane SET held_hash = zeroblob(32)",
            "UPDATE lane SET applied_hash = zeroblob(32)",
            "UPDATE lane SET fork_hash = randomblob(32)",
            "UPDATE batch SET bytes = (SELECT bytes FROM batch WHERE first = 1), first = first",
        ][damage]
        try SQLiteFile(anna.path).run(statement)
        #expect(throws: StoreError.self) { try anna.opened() }
    }

    @Test func aNewerFormatIsNotOpened() async throws {
        let anna = try await TestNode.founder()
        try await anna.store.close()
        // SQLite keeps the number of the last step taken in bytes 60 to 63 of the file.
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: anna.path))
        try file.seek(toOffset: 60)
        try file.write(contentsOf: Data([0, 0, 0, 99]))
        try file.close()
        #expect(throws: StoreError.newerFormat(99)) { try anna.opened() }
    }

    @Test func aClosedStoreSaysSo() async throws {
        let anna = try await TestNode.founder()
        try await anna.store.close()
        await #expect(throws: StoreError.closed) {
            try await anna.create("exchange", write("title", "a"))
        }
        await #expect(throws: StoreError.closed) { try await anna.digest() }
        #expect(try !anna.opened().store.wasStoppedUncleanly)
    }
}

/// A small file system of its own, unmounted when the test ends.
private final class SmallDisk: Sendable {
    let folder: TestFolder
    var path: String { folder.path }

    init?(bytes: Int) {
        guard getuid() == 0, let folder = try? TestFolder(),
            mount("tmpfs", folder.path, "tmpfs", 0, "size=\(bytes)") == 0
        else { return nil }
        self.folder = folder
    }

    deinit {
        umount2(path, Int32(MNT_DETACH))
    }

    /// Takes up all but some bytes.
    ///
    /// - Returns: the file to remove for room.
    func fill(leaving bytes: Int) throws -> String {
        let attributes = try FileManager.default.attributesOfFileSystem(forPath: path)
        let free = (attributes[.systemFreeSize] as? NSNumber)?.intValue ?? 0
        let ballast = path + "/ballast"
        try Data(count: max(0, free - bytes)).write(to: URL(fileURLWithPath: ballast))
        return ballast
    }
}
