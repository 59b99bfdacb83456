import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import Testing

/// Small runs packed into large ones, at the edges.
@Suite struct SealingTests {
    /// Texts that can't be compressed fill a batch before its changes do.
    @Test func whatDoesNotFitIntoOneBatchIsPackedInParts() async throws {
        let anna = try await TestNode.founder()
        var random = SplitMix(seed: 3)
        for _ in 0..<20 {
            let text = String(
                (0..<60_000).map { _ in Character(UnicodeScalar(UInt8(33 + random.next() % 90))) })
            try await anna.create("note", write("note", text))
        }
        let before = try await anna.digest()
        let packed = try await anna.store.seal(minimumRuns: 2)
        #expect(packed > 2 && packed < 21)
        #expect(try await anna.digest() == before)
        #expect(try await anna.store.audit().findings == [])
        #expect(try await anna.reopened().store.audit().findings == [])
    }

    /// Beyond 1,024 changes another batch begins.
    @Test func aFullBatchIsFollowedByAnother() async throws {
        let anna = try await TestNode.founder()
        for _ in 0..<1_100 { try await anna.create("note", write("title", "x")) }
        #expect(try await anna.store.seal(minimumRuns: 2) > 1_100)
        let runs = try await anna.store.batches(
            of: anna.store.origin, after: 0, byteLimit: .max)
        #expect(runs.contains { $0.last - $0.first + 1 == 1_024 })
        #expect(runs.allSatisfy { $0.last - $0.first + 1 <= 1024 })
        #expect(try await anna.store.audit().findings == [])
    }

    /// What lies on two sides of a hole doesn't follow.
    @Test func aHoleParts() async throws {
        let anna = try await TestNode.founder()
        for number in 0..<12 { try await anna.create("note", write("title", "\(number)")) }
        try await anna.store.close()
        try SQLiteFile(anna.path).run("DELETE FROM batch WHERE first = 5")
        let again = try anna.opened()
        #expect(try await again.store.seal(minimumRuns: 3) == 12)
        let findings = try await again.store.audit(logsOnly: true).findings
        #expect(findings.map(\.problem) == ["is the first after a gap: changes 5 to 5 are missing"])
    }
}

/// What exists on one machine only, where its log forked.
@Suite struct UnsharedTests {
    @Test func eachBranchIsCountedByItself() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let log = anna.store.origin
        let shared = anna.store.heldClock[log]
        let twin = try anna.cloned("twin", seed: 9)
        for number in 0..<2 { try await anna.create("note", write("title", "\(number)")) }
        try await twin.create("note", write("title", "twin's"))
        let (own, other) = (anna.store.heldClock[log], twin.store.heldClock[log])
        try await anna.pull(from: twin)
        #expect(try await anna.forks() == [log])
        let node = boris.identity.node
        for (heard, count) in [(shared, 3), (own, 1), (other, 2), (own + other, 0)] {
            let entry = Clock.Entry(origin: log, tips: heard.sorted())
            try await anna.store.noteHeard([entry], whole: true, from: node)
            let unshared = try await anna.store.read {
                try $0.unsharedCount(of: anna.identity.node, among: [node])
            }
            #expect(unshared == count)
        }
    }
}
