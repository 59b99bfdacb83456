import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire
import Testing

/// One store by itself: settings, transactions, opening again.
@Suite struct StoreTests {
    @Test func settingsThatDurabilityRestsOnReadBack() async throws {
        let anna = try await TestNode.founder()
        let settings = Dictionary(
            uniqueKeysWithValues: try await anna.store.settings().map { ($0.name, $0.value) })
        #expect(settings["journal_mode"] == "wal")
        #expect(settings["synchronous"] == "2")
        #expect(settings["secure_delete"] == "1")
        #expect(settings["trusted_schema"] == "0")
        #expect(settings["mmap_size"] == "0")
        #expect(settings["temp_store"] == "2")
        #expect(settings["cell_size_check"] == "1")
        #expect(settings["foreign_keys"] == "1")
        #expect(try await anna.store.damage(by: .pages).isEmpty)
    }

    @Test func onlyTheOwnerCanReadTheFileAndNoSharedMappingExists() async throws {
        let anna = try await TestNode.founder()
        try await anna.create("exchange", write("title", "a"))
        let files = try FileManager.default.contentsOfDirectory(atPath: anna.folder.path)
        #expect(files.sorted() == ["anna.generation", "anna.sqlite", "anna.sqlite-wal"])
        for file in files {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: anna.folder.path + "/" + file)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    /// Another program that opens the file must find it locked: with an index of the log of its own
    /// it would read and write past this one.
    @Test func theFileStaysLocked() async throws {
        let anna = try await TestNode.founder()
        try await anna.create("exchange", write("title", "a"))
        let inode = try #require(
            FileManager.default.attributesOfItem(atPath: anna.path)[.systemFileNumber] as? Int)
        // A reading may miss what is there while others' locks come and go.
        let isLocked = (0..<100).contains { _ in
            locks().contains {
                $0.contains(" POSIX ") && $0.contains(" \(getpid()) ")
                    && $0.contains(":\(inode) ")
            }
        }
        #expect(isLocked)
    }

    /// What the system says of locks, whose file has no size to go by.
    private func locks() -> [Substring] {
        let descriptor = open("/proc/locks", O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(descriptor, &buffer, buffer.count), count > 0 {
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
    }

    /// The write-ahead log goes when a store is closed in order, whoever has read meanwhile: one
    /// that is left says that the last process ended without that.
    @Test func closingLeavesNoWriteAheadLog() async throws {
        let anna = try await TestNode.founder()
        try await anna.create("exchange", write("title", "a"))
        _ = try await anna.digest()
        #expect(try await anna.store.damage(by: .pages).isEmpty)
        try await anna.store.close()
        let files = try FileManager.default.contentsOfDirectory(atPath: anna.folder.path)
        #expect(files.sorted() == ["anna.generation", "anna.sqlite"])
        #expect(try !anna.opened().store.wasStoppedUncleanly)
    }

    @Test func everythingIsThereAfterReopening() async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(
            anna.create("exchange", write("title", "a \"quoted\" \\ line\nbreak"), add("tags", "x"))
                .recordIDs[0])
        try await anna.edit(id, write("place", "Odesa"))
        let (before, digest) = (try await anna.record(id), try await anna.digest())
        let origin = anna.store.origin
        let again = try await anna.reopened()
        #expect(try await again.record(id) == before)
        #expect(try await again.digest() == digest)
        #expect(again.store.origin == origin)
        #expect(before?.document.title == "a \"quoted\" \\ line\nbreak")
        try await again.edit(id, write("place", "Kyiv"))
        #expect(again.store.head(of: origin).last == 4)
    }

    @Test func concurrentWritesShareTransactionsAndBatches() async throws {
        let anna = try await TestNode.founder()
        let dots = try await withThrowingTaskGroup(of: Dot.self) { group in
            for number in 0..<200 {
                group.addTask { try await anna.create("exchange", write("title", "\(number)")).dot }
            }
            return try await group.reduce(into: Set<Dot>()) { $0.insert($1) }
        }
        #expect(dots.count == 200)
        #expect(Set(dots.map(\.sequence)) == Set(2...201))
        let batches = try await anna.store.batches(
            of: anna.store.origin, after: 0, byteLimit: .max)
        #expect(batches.last?.last == 201)
        #expect(batches.count < 150)
        let boris = try await anna.admitting("boris", seed: 2)
        #expect(try await boris.digest() == anna.digest())
    }

    @Test func aFailingWriteUndoesOnlyItself() async throws {
        struct Refusal: Error {}
        let anna = try await TestNode.founder()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                group.addTask {
                    _ = try? await anna.store.write { scope in
                        let title = write("title", "\(number)")
                        _ = try scope.append([.creation(type: name("exchange"), [title])])
                        if number.isMultiple(of: 3) { throw Refusal() }
                    }
                }
            }
        }
        let listed = try await anna.store.read {
            try $0.list(type: nil, filters: [], sort: nil, limit: 0)
        }
        #expect(listed.count == 40)
        #expect(listed.allSatisfy { !Int($0.document.title)!.isMultiple(of: 3) })
        #expect(anna.store.head(of: anna.store.origin).last == 41)
        #expect(try await anna.store.read { try $0.summary().recordCount } == 40)
        let boris = try await anna.admitting("boris", seed: 2)
        #expect(try await boris.digest() == anna.digest())
    }

    @Test func whatTheFormatForbidsFailsAloneToo() async throws {
        let anna = try await TestNode.founder()
        let broken = Operation(.write, field: name("note"), values: [.text([0xff, 0xfe])])
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<30 {
                group.addTask {
                    _ = try? await anna.store.write { scope in
                        let operations = number == 7 ? [broken] : [write("title", "\(number)")]
                        return try scope.append([.creation(type: name("exchange"), operations)])
                    }
                }
            }
        }
        #expect(try await anna.store.read { try $0.summary().recordCount } == 29)
        #expect(anna.store.head(of: anna.store.origin).last == 30)
        let huge = write("note", String(repeating: "x", count: 60_000))
        await #expect(throws: StoreError.tooLarge) {
            try await anna.store.write {
                try $0.append([
                    .creation(type: name("exchange"), [huge]),
                    .creation(type: name("exchange"), [huge]),
                    .creation(type: name("exchange"), [huge]),
                ])
            }
        }
        let boris = try await anna.admitting("boris", seed: 2)
        #expect(try await boris.digest() == anna.digest())
    }

    @Test func aLineThatFailsLeavesTheOtherLinesOfItsWrite() async throws {
        let anna = try await TestNode.founder()
        try await anna.store.write { scope in
            for number in 0..<10 {
                try? scope.attempt { scope in
                    let title = write("title", "\(number)")
                    _ = try scope.append([.creation(type: name("exchange"), [title])])
                    if number == 4 { throw StoreError.tooLarge }
                }
            }
        }
        #expect(try await anna.store.read { try $0.summary().recordCount } == 9)
        #expect(anna.store.head(of: anna.store.origin).last == 10)
    }

    @Test func whoeverGoesOnAfterAnErrorHasASoundLog() async throws {
        let anna = try await TestNode.founder()
        let reader = try await anna.admitting("rita", seed: 4, role: .reader)
        let nowhere = RecordReference(
            creation: DotReference(origin: anna.store.origin, sequence: 1), group: 0)
        try await reader.store.write { scope in
            _ = try? scope.append([.creation(type: name("exchange"), [write("title", "a")])])
            try scope.setPetname("boss", of: anna.identity.node)
        }
        try await anna.store.write { scope in
            _ = try? scope.append([.edit(of: nowhere, [write("title", "a")])])
            _ = try scope.append([.creation(type: name("exchange"), [write("title", "b")])])
        }
        let boris = try await anna.admitting("boris", seed: 2)
        try await boris.create("exchange", write("title", "c"))
        try await reader.pull(from: anna)
        try await reader.pull(from: boris)
        let again = try await reader.reopened()
        #expect(again.store.heldClock.entries.count == 2)
        #expect(try await again.digest() == boris.digest())
    }

    @Test func noticesComeAfterTheCommitAndNameWhatMoved() async throws {
        let anna = try await TestNode.founder()
        let (notices, continuation) = AsyncStream<CommitNotice>.makeStream()
        anna.store.observeCommits { continuation.yield($0) }
        let id = try await #require(anna.create("exchange", write("title", "a")).recordIDs[0])
        let notice = await notices.first { _ in true }
        #expect(notice?.isLocal == true)
        #expect(notice?.records == [id])
        #expect(notice?.moved == anna.store.appliedClock.entries)
    }

    /// Whoever reads sees one moment, whatever is committed meanwhile.
    @Test func aReaderKeepsItsMomentWhileOthersWrite() async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(anna.create("exchange", write("title", "a")).recordIDs[0])
        let (begun, committed) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let seen = anna.store.read { scope in
            let before = (try scope.summary(), try scope.record(id)?.document.title)
            begun.signal()
            committed.wait()
            let after = (try scope.summary(), try scope.record(id)?.document.title)
            return (before: before, after: after)
        }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                begun.wait()
                continuation.resume()
            }
        }
        try await anna.edit(id, write("title", "b"))
        try await anna.create("exchange", write("title", "another"))
        committed.signal()
        let (before, after) = try await seen
        #expect(before.0 == after.0 && before.0.recordCount == 1)
        #expect(before.1 == "a" && after.1 == "a")
        #expect(try await anna.record(id)?.document.title == "b")
    }

    @Test func listsFilterSortAndLimit() async throws {
        let anna = try await TestNode.founder()
        for (title, place) in [("b", "Odesa"), ("c", "Kyiv"), ("a", "Odesa")] {
            try await anna.create(
                "exchange", write("title", title), write("place", place), add("tags", title))
        }
        try await anna.create("person", write("name", "d"))
        let lists = try await anna.store.read { scope in
            [
                try scope.list(type: name("exchange"), filters: [], sort: name("title"), limit: 2),
                try scope.list(
                    type: nil, filters: [(name("place"), Array("Odesa".utf8))], sort: nil, limit: 0),
                try scope.list(
                    type: nil, filters: [(name("tags"), Array("c".utf8))], sort: nil, limit: 0),
                try scope.list(type: name("place"), filters: [], sort: nil, limit: 0),
            ].map { $0.map(\.document.title) }
        }
        #expect(lists == [["a", "b"], ["a", "b"], ["c"], []])
    }

    @Test func largeLogsFillSeveralBatches() async throws {
        let anna = try await TestNode.founder()
        let long = String(repeating: "lorem ipsum ", count: 40)
        try await anna.store.write { scope in
            for number in 0..<1500 {
                _ = try scope.append([
                    .creation(type: name("exchange"), [write("note", "\(number) \(long)")])
                ])
            }
        }
        let batches = try await anna.store.batches(
            of: anna.store.origin, after: 0, byteLimit: .max)
        #expect(batches.count > 2 && batches.count < 10)
        let middle = try await anna.store.batches(
            of: anna.store.origin, after: 700, byteLimit: 1)
        #expect(middle.first?.first == 701)
        let boris = try await anna.admitting("boris", seed: 2)
        #expect(try await boris.digest() == anna.digest())
    }

    @Test func sealingKeepsTheLogAndTheHashes() async throws {
        let anna = try await TestNode.founder()
        for number in 0..<80 { try await anna.create("exchange", write("title", "\(number)")) }
        let origin = anna.store.origin
        let hash = try await anna.store.hash(of: origin, at: 40)
        let sealed = try await anna.store.seal()
        #expect(sealed == 81)
        let batches = try await anna.store.batches(of: origin, after: 0, byteLimit: .max)
        #expect(batches.count == 1)
        #expect(try await anna.store.hash(of: origin, at: 40) == hash)
        #expect(try await anna.store.seal() == 0)
        let boris = try await anna.admitting("boris", seed: 2)
        #expect(try await boris.digest() == anna.digest())
        #expect(
            try await anna.store.locators(of: origin).map { $0.map(\.sequence) }.first?.first == 82)
    }

    /// Stores that are closed while they are read let the readers end: those need the same few
    /// threads as whoever closes.
    @Test(.timeLimit(.minutes(2))) func closingWaitsForReadersAndKeepsNoThreadFromThem()
        async throws
    {
        for round in 1...10 as ClosedRange<UInt64> {
            let nodes = try await [
                TestNode.founder(seed: round), TestNode.founder(seed: 100 + round),
            ]
            await withTaskGroup { group in
                for node in nodes {
                    for _ in 0..<20 {
                        group.addTask { _ = try? await node.store.read { try $0.summary() } }
                    }
                    group.addTask { try? await node.store.close() }
                }
            }
        }
    }
}
