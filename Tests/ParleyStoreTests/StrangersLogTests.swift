import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire
import Testing

/// Logs by keys that nobody admitted, and more logs than anybody expected: what a member who means
/// harm can make up without end.
@Suite struct StrangersLogTests {
    /// One signed change of an origin, the first of its log.
    private func beginning(
        _ identity: Identity, epoch: UInt64 = 9, context: [Clock.Entry],
        groups: [Group] = [.creation(type: name("exchange"), [write("title", "a")])],
        in node: TestNode
    ) throws -> VerifiedBatch {
        let author = LogAuthor(identity: identity, epoch: epoch)
        let change = Change(
            origin: author.origin, sequence: 1, time: HybridTime(rawValue: 1),
            contextDelta: context, groups: groups)
        return try author.run(
            of: [change], casebook: node.store.casebookID, previous: .zero,
            seed: [UInt8](repeating: 7, count: 16))
    }

    private func key(_ number: Int) -> Identity {
        let digits = (0..<4).map { UInt8(number >> (8 * $0) & 255) }
        return Identity(privateKey: [UInt8](repeating: 200, count: 28) + digits)!
    }

    @Test func aLogThatAStrangerBeginsIsRefused() async throws {
        let anna = try await TestNode.founder()
        let before = (anna.store.heldClock, try await anna.digest())
        let log = try beginning(
            TestNode.identity(5), context: anna.store.appliedClock.entries, in: anna)
        await #expect(throws: StoreError.strangersLog(log.origin)) {
            try await anna.store.ingest([log])
        }
        #expect(anna.store.heldClock == before.0)
        #expect(try await anna.digest() == before.1)
    }

    /// What a member's own context doesn't authorise is held and passed on like everything else, so
    /// that all nodes agree on the clock, and changes no record anywhere.
    @Test func whatReadersWriteKeepsItsPlaceAndHasNoEffect() async throws {
        let anna = try await TestNode.founder()
        let reader = try await anna.admitting("rita", seed: 4, role: .reader)
        await #expect(throws: StoreError.notPermitted) {
            try await reader.create("exchange", write("title", "a"))
        }
        let before = try await anna.digest()
        let log = try beginning(
            reader.identity, context: anna.store.appliedClock.entries, in: anna)
        try await anna.store.ingest([log])
        #expect(anna.store.appliedClock[log.origin].map(\.sequence) == [1])
        #expect(try await anna.digest() == before)
        #expect(try await anna.store.read { try $0.summary().recordCount } == 0)
        let standings = try await anna.store.read { scope in
            try scope.history(of: nil, limit: 0).map { try scope.standing(of: $0) }
        }
        #expect(standings.count { $0 == .unauthorised } == 1)
        #expect(standings.count { $0 == .counts } == standings.count - 1)
    }

    /// Where the first change's causes are still missing nobody can judge it yet. It is held, and
    /// given up as soon as they are here; the next log gets its number.
    @Test func aStrangersLogThatCouldNotBeJudgedIsGivenUpLater() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        try await anna.create("exchange", write("title", "b"))
        let log = try beginning(
            TestNode.identity(5), context: anna.store.appliedClock.entries, in: boris)
        #expect(try await boris.store.ingest([log]).waiting == 1)
        #expect(boris.store.heldClock[log.origin].count == 1)
        try await boris.pull(from: anna)
        #expect(boris.store.heldClock == anna.store.heldClock)
        #expect(try await boris.digest() == anna.digest())
        let carla = try await anna.admitting("carla", seed: 3)
        try await carla.create("exchange", write("title", "c"))
        let again = try await boris.reopened()
        try await again.pull(from: anna)
        try await again.pull(from: carla)
        #expect(try await again.digest() == carla.digest())
    }

    /// Nothing that such a log said is looked for once it is given up.
    @Test func whatAStrangerClaimedIsGivenUpWithItsLog() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let id = try await #require(anna.create("person", write("place", "b")).recordIDs[0])
        let reference = try await #require(anna.record(id)).reference
        let claim = Erasure(record: reference, basis: "made up")
        let log = try beginning(
            TestNode.identity(5), context: anna.store.appliedClock.entries,
            groups: [Group(kind: .erasure, subject: .casebook, content: .payload(claim.encoded))],
            in: boris)
        #expect(try await boris.store.ingest([log]).waiting == 1)
        try await boris.pull(from: anna)
        #expect(boris.store.heldClock == anna.store.heldClock)
        // Something without its contents makes boris go through all claims it holds.
        let other = try await #require(anna.create("person", write("place", "c")).recordIDs[0])
        try await anna.erase(other)
        try await boris.pull(from: anna)
        #expect(try await boris.digest() == anna.digest())
        #expect(try await boris.store.audit().findings == [])
    }

    @Test(arguments: [1023, 1024])
    func onlySoManyLogsWaitToBeJudged(count: Int) async throws {
        let anna = try await TestNode.founder()
        let missing = Clock.Entry(
            origin: Origin(node: TestNode.identity(6).node, epoch: 1),
            tip: Tip(sequence: 1, hash: HashPrefix(1)))
        let logs = try (0..<count).map { try beginning(key($0), context: [missing], in: anna) }
        #expect(try await anna.store.ingest(logs).received == count)
        let one = try beginning(key(count), context: [missing], in: anna)
        if count < 1024 {
            #expect(try await anna.store.ingest([one]).received == 1)
        } else {
            await #expect(throws: StoreError.tooManyLogs) { try await anna.store.ingest([one]) }
        }
    }

    /// A member may begin as many logs as it likes. Everybody else goes on writing, spreads over
    /// several changes what it has seen, and opens its file again.
    @Test func thousandsOfLogsKeepNobodyFromWriting() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let context = anna.store.appliedClock.entries
        let logs = try (0..<4200).map {
            try beginning(boris.identity, epoch: UInt64(1000 + $0), context: context, in: anna)
        }
        try await anna.store.ingest(logs)
        let id = try await #require(anna.create("exchange", write("title", "mine")).recordIDs[0])
        let again = try await anna.reopened()
        #expect(again.store.appliedClock.entries.count == 4201)
        #expect(try await again.record(id)?.document.title == "mine")
        let last = try await again.edit(id, write("title", "still mine"))
        #expect(try await again.store.read { try $0.context(of: last.dot) }.entries.count == 4201)
        try await boris.store.ingest(logs)
        try await boris.pull(from: again, origins: [again.store.origin])
        #expect(try await boris.digest() == again.digest())
    }

    /// A log that begins beside very many others begins with what admitted its author, wherever
    /// that stands among them.
    @Test func aNewLogBesideVeryManyIsNoStrangers() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let context = anna.store.appliedClock.entries
        let logs = try (0..<1100).map {
            try beginning(boris.identity, epoch: UInt64(1000 + $0), context: context, in: anna)
        }
        try await anna.store.ingest(logs)
        #expect(anna.store.appliedClock.entries.last?.origin == anna.store.origin)
        let chadia = try await anna.admitting("chadia", seed: 3, holding: logs)
        let first = try await chadia.create("exchange", write("title", "first"))
        try await anna.pull(from: chadia, origins: [chadia.store.origin])
        #expect(try await anna.record(#require(first.recordIDs[0]))?.document.title == "first")
        let again = try await copyOfAnna(anna)
        let id = try await #require(again.create("exchange", write("title", "new")).recordIDs[0])
        try await chadia.pull(from: again, origins: [anna.store.origin, again.store.origin])
        #expect(try await chadia.record(id)?.document.title == "new")
    }

    /// The same node whose log goes on in a new epoch.
    private func copyOfAnna(_ anna: TestNode) async throws -> TestNode {
        try await anna.store.close()
        try FileManager.default.removeItem(
            atPath: anna.path.replacingOccurrences(of: ".sqlite", with: ".generation"))
        return try anna.opened()
    }

    /// A peer may say that it holds more logs than a page of a clock takes.
    @Test func aLongClockOfAPeerIsRemembered() async throws {
        let anna = try await TestNode.founder()
        let node = TestNode.identity(2).node
        let entries = (0..<5000).map {
            Clock.Entry(
                origin: Origin(node: node, epoch: UInt64($0)),
                tip: Tip(sequence: 1, hash: HashPrefix(1)))
        }
        try await anna.store.noteHeard(entries, whole: true, from: node)
        let neighbour = try await anna.store.read { try $0.neighbour(node) }
        #expect(neighbour?.heard.entries.count == 5000)
    }
}
