import Dispatch
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import Testing

/// Single changes of batches that are too large to be decoded for one of them.
@Suite struct LargeBatchTests {
    /// One run of a node's log with a secret in each change.
    private func secrets(of node: TestNode) async throws -> [Appended] {
        try await node.store.write { scope in
            try (0..<300).map { number in
                try scope.append([
                    .creation(
                        type: name("exchange"),
                        [confide("name", "secret \(number)"), write("place", "p")])
                ])
            }
        }
    }

    private static func texts(of dot: Dot, in scope: ReadScope) throws -> [Value] {
        try (scope.loggedChange(dot)?.change.groups ?? []).flatMap { group -> [Value] in
            guard case .operations(_, let operations) = group.content else { return [] }
            return operations.flatMap(\.values)
        }
    }

    /// What a read found of a batch is no answer after something was taken out of it.
    @Test func whatWasTakenBackIsNotRemembered() async throws {
        let anna = try await TestNode.founder()
        let appended = try await secrets(of: anna)
        func texts(_ number: Int) async throws -> [Value] {
            let dot = appended[number].dot
            return try await anna.store.read { try Self.texts(of: dot, in: $0) }
        }
        for number in [0, 63, 64, 150, 299] {
            for _ in 0..<2 {
                #expect(try await texts(number) == [text("secret \(number)"), text("p")])
            }
        }
        try await anna.redact(try #require(appended[150].recordIDs[0]), "name")
        let left = try await texts(150)
        #expect(!left.contains(text("secret 150")) && left.contains(text("p")))
        #expect(try await texts(64) == [text("secret 64"), text("p")])
    }

    /// A read that began before something was taken back finds it in its snapshot, and leaves it to
    /// nobody.
    @Test func anOlderSnapshotLeavesNothingBehind() async throws {
        let anna = try await TestNode.founder()
        let appended = try await secrets(of: anna)
        let (dot, record) = (appended[150].dot, try #require(appended[150].recordIDs[0]))
        let (begun, beginning) = AsyncStream<Void>.makeStream()
        let isTaken = DispatchSemaphore(value: 0)
        let older = Task.detached {
            try await anna.store.read { scope in
                _ = try scope.summary()
                beginning.yield()
                isTaken.wait()
                return try Self.texts(of: dot, in: scope)
            }
        }
        for await _ in begun { break }
        try await anna.redact(record, "name")
        isTaken.signal()
        #expect(try await older.value == [text("secret 150"), text("p")])
        let left = try await anna.store.read { try Self.texts(of: dot, in: $0) }
        #expect(!left.contains(text("secret 150")) && left.contains(text("p")))
    }

    /// Contexts follow from those that are kept now and then, in small runs as in one that was packed,
    /// and across the border of two.
    @Test func contextsAreTheSameInWhateverRunsAChangeLies() async throws {
        let anna = try await TestNode.founder()
        let bertil = try await anna.admitting("bertil", seed: 2)
        var dots: [Dot] = []
        for number in 0..<345 {
            try await anna.create("note", write("title", "anna \(number)"))
            // Once shortly before the packed run ends, and not soon again.
            if number % 8 == 1 { try await bertil.pull(from: anna) }
            dots.append(try await bertil.create("note", write("title", "\(number)")).dot)
            // So large that it isn't packed again with what follows.
            if number == 259 { #expect(try await bertil.store.seal() > 0) }
        }
        func contexts() async throws -> [Clock] {
            var contexts: [Clock] = []
            for dot in dots {
                contexts.append(try await bertil.store.read { try $0.context(of: dot) })
            }
            return contexts
        }
        let (some, known) = (try await contexts(), anna.store.origin)
        let seen = some.map { $0[known].map(\.sequence).max() ?? 0 }
        #expect(zip(seen, seen.dropFirst()).allSatisfy { $0 <= $1 } && Set(seen).count > 40)
        #expect(try await bertil.store.seal() > 0)
        // As one word: clocks in a message would take megabytes.
        let isSame = try await contexts() == some
        #expect(isSame)
        // All in one snapshot, one after the other as well.
        let wanted = dots
        let areSame = try await bertil.store.read { scope in
            try wanted.map { try scope.context(of: $0) } == some
        }
        #expect(areSame)
    }
}
