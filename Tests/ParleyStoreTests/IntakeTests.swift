import Foundation
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire
import Testing

/// What is refused, what waits, and what copies and restored backups do.
@Suite struct IntakeTests {
    @Test func changesWaitForTheirCausesAndAreHeldMeanwhile() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        try await boris.pull(from: anna)
        let id = try await #require(anna.create("exchange", write("title", "a")).recordIDs[0])
        try await boris.pull(from: anna)
        try await boris.edit(id, write("title", "b"))
        let batches = try await boris.store.batches(
            of: boris.store.origin, after: 0, byteLimit: .max)
        let early = try await carla.store.ingest(await carla.verified(batches))
        #expect(early.received == 1 && early.applied == 0 && early.waiting == 1)
        #expect(carla.store.heldClock != carla.store.appliedClock)
        let reopened = try await carla.reopened()
        let report = try await reopened.pull(from: anna)
        #expect(report.applied == report.received + 1 && report.waiting == 0)
        #expect(try await reopened.record(id)?.document.title == "b")
        #expect(try await reopened.digest() == boris.digest())
    }

    @Test func repeatsAndOverlapsAreSkipped() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        for number in 0..<40 { try await anna.create("exchange", write("title", "\(number)")) }
        let origin = anna.store.origin
        let apart = try await anna.store.batches(of: origin, after: 0, byteLimit: .max)
        try await boris.store.ingest(await boris.verified(Array(apart[2..<20])))
        try await anna.store.seal()
        let whole = try await anna.store.batches(of: origin, after: 0, byteLimit: .max)
        let batch = try VerifiedBatch(
            bytes: whole[0].bytes, casebook: anna.store.casebookID, previous: .zero)
        #expect(try await boris.store.ingest([batch]).received == 22)
        #expect(try await boris.store.ingest([batch]).received == 0)
        #expect(try await boris.digest() == anna.digest())
    }

    @Test func gapsAndForeignCasebooksAreRefusedWhole() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let origin = anna.store.origin
        let author = LogAuthor(identity: anna.identity, epoch: origin.epoch)
        let (last, hash) = boris.store.head(of: origin)
        func run(_ first: UInt64, _ previous: Digest, _ title: String) throws -> VerifiedBatch {
            let change = Change(
                origin: origin, sequence: first, time: HybridTime(rawValue: 1), contextDelta: [],
                groups: [.creation(type: name("exchange"), [write("title", title)])])
            return try author.run(
                of: [change], casebook: anna.store.casebookID, previous: previous,
                seed: [UInt8](repeating: 7, count: 16))
        }
        let next = try run(last + 1, hash, "one")
        await #expect(throws: StoreError.gap(origin)) {
            try await boris.store.ingest([run(last + 2, hash, "one")])
        }
        try await boris.store.ingest([next])
        let digest = try await boris.digest()
        await #expect(throws: StoreError.gap(origin)) {
            try await boris.store.ingest([
                run(last + 2, next.hashes[0], "fine"), run(last + 2, hash, "follows nothing"),
            ])
        }
        #expect(try await boris.digest() == digest)
        #expect(boris.store.head(of: origin).last == last + 1)
        let other = try await TestNode.founder("other", seed: 8)
        let foreign = try VerifiedBatch(
            bytes: await other.store.batches(
                of: other.store.origin, after: 0, byteLimit: .max)[0].bytes,
            casebook: other.store.casebookID, previous: .zero)
        await #expect(throws: StoreError.wrongCasebook) {
            try await boris.store.ingest([foreign])
        }
    }

    /// Of a log that isn't known to have forked a batch brings a second branch, and the next one goes
    /// on with the first: both at once.
    @Test func branchesComeTogether() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let copy = try anna.cloned("copy", seed: 5)
        let origin = anna.store.origin
        let last = anna.store.head(of: origin).last
        try await anna.create("exchange", write("title", "first"))
        try await boris.pull(from: anna)
        try await anna.create("exchange", write("title", "goes on"))
        try await copy.create("exchange", write("title", "second"))
        for branch in [anna, copy] { try await carla.pull(from: branch) }
        var log = PeerLog(origin: origin, tips: boris.store.heldClock[origin], isLocated: true)
        var runs: [StoredBatch] = []
        while runs.count < 2 {
            let more = try await carla.store.batches(for: [log], byteLimit: 1).batches
            runs += more
            log = PeerLog(origin: origin, tips: log.tips + more.map(\.tip), isLocated: true)
        }
        runs.sort { $0.first < $1.first }
        #expect(runs.map(\.first) == [last + 1, last + 2])
        try await boris.store.ingest(boris.store.verify(runs.map(\.bytes)))
        #expect(boris.store.heldClock[origin].map(\.sequence) == [last + 1, last + 2])
    }

    /// What follows batches that were checked and aren't stored yet can be checked, too, also where it
    /// begins with a part of them; it is stored only after them.
    @Test func theNextIsCheckedWhileTheFirstIsStored() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let last = anna.store.head(of: anna.store.origin).last
        for title in ["first", "second", "third"] {
            try await anna.create("exchange", write("title", title))
        }
        let runs = try await anna.store.batches(
            of: anna.store.origin, after: last, byteLimit: .max)
        try #require(runs.count == 3)
        let parts = [runs[0...1], runs[1...2]].map { StoredBatch.packing(Array($0)).map(\.bytes) }
        #expect(parts.map(\.count) == [1, 1])
        let first = try await boris.store.prepare(parts[0])
        await #expect(throws: StoreError.gap(anna.store.origin)) {
            _ = try await boris.store.prepare(parts[1])
        }
        let second = try await boris.store.prepare(parts[1], after: first.map(\.batch.run))
        await #expect(throws: StoreError.gap(anna.store.origin)) {
            _ = try await boris.store.ingest(second)
        }
        for prepared in [first, second] { _ = try await boris.store.ingest(prepared) }
        #expect(try await boris.digest() == anna.digest())
    }

    @Test func groupsNobodyHereUnderstandsAreKeptAndBlockNothing() async throws {
        let anna = try await TestNode.founder()
        let strange = Group(
            kind: GroupKind(rawValue: 77), subject: .casebook, content: .payload([1, 2, 3]))
        try await anna.store.write { _ = try $0.append([strange]) }
        let boris = try await anna.admitting("boris", seed: 2)
        #expect(try await boris.store.read { try $0.summary().uninterpreted } == 1)
        try await anna.create("exchange", write("title", "after"))
        try await boris.pull(from: anna)
        #expect(try await boris.digest() == anna.digest())
    }

    @Test func namesStayUnique() async throws {
        let anna = try await TestNode.founder("anna")
        let second = try await anna.admitting("anna2", seed: 2)
        for seed in [5, 6] as [UInt64] {
            let admission = Admission(
                node: TestNode.identity(seed).node, role: .editor, name: "anna")
            try await anna.store.write {
                _ = try $0.append([
                    Group(
                        kind: .admission, subject: .casebook, content: .payload(admission.encoded))
                ])
            }
        }
        try await second.pull(from: anna)
        #expect(second.store.members.map(\.name) == ["anna", "anna-2", "anna-3", "anna2"])
        #expect(second.store.members == anna.store.members)
    }

    @Test func invitationsWorkOnceAndInTime() async throws {
        let anna = try await TestNode.founder()
        let (boris, carla) = (TestNode.identity(2).node, TestNode.identity(3).node)
        let now = anna.world.environment.wallMilliseconds()
        try await anna.store.write { scope in
            try scope.addInvitation(secret: [1], role: .editor, expires: now + 1000)
            try scope.addInvitation(secret: [2], role: .editor, expires: now + 1000)
        }
        func use(_ secret: UInt8, _ node: NodeID) async throws -> Role {
            try await anna.store.write { try $0.consumeInvitation(secret: [secret], by: node) }
        }
        #expect(try await use(1, boris) == .editor)
        await #expect(throws: StoreError.invitationUsed) { try await use(1, boris) }
        await #expect(throws: StoreError.invitationUsed) { try await use(1, carla) }
        await #expect(throws: StoreError.invitationUnknown) { try await use(3, carla) }
        anna.world.advance(milliseconds: 1000)
        await #expect(throws: StoreError.invitationExpired) { try await use(2, carla) }
    }

    /// A copy, and a machine that went back and hears so from a peer, don't know whom their other self
    /// has let in since.
    @Test(arguments: [false, true])
    func aCopyForgetsOpenInvitations(isRolledBack: Bool) async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let now = anna.world.environment.wallMilliseconds()
        try await anna.store.write { scope in
            try scope.addInvitation(secret: [1], role: .editor, expires: now + 1_000_000)
        }
        let snapshot = try anna.snapshot("snapshot")
        try await anna.store.write {
            _ = try $0.consumeInvitation(secret: [1], by: TestNode.identity(3).node)
        }
        try await anna.create("note", write("title", "since"))
        try await boris.pull(from: anna)
        let copy =
            try await isRolledBack
            ? anna.rolledBack(to: snapshot) : anna.restored(from: snapshot, inPlace: false)
        try await copy.pull(from: boris)
        await #expect(throws: StoreError.invitationUnknown) {
            try await copy.store.write {
                try $0.consumeInvitation(secret: [1], by: TestNode.identity(4).node)
            }
        }
        #expect(try await copy.store.read { try $0.openInvitations().isEmpty })
    }

    /// Somebody copies an older state over the file while it is open. The store stops before it writes
    /// or reads anything more; opened again it begins a new epoch. What was acknowledged and reached a
    /// peer comes back, no dot means two things, and both end up with the same.
    ///
    /// The same where nobody reads or writes before it is closed.
    @Test(
        arguments: [(false, false), (false, true), (true, false), (true, true)], [false, true])
    func anOlderStateOverTheOpenFileIsNoticed(
        over: (withLog: Bool, isLogged: Bool), isIdle: Bool
    ) async throws {
        let (withLog, isLogged) = over
        var anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        try await anna.create("exchange", write("title", "before"))
        if !isLogged { anna = try await anna.reopened() }
        let snapshot = try anna.snapshot("snapshot")
        try await anna.create("exchange", write("title", "since"))
        anna = try await anna.reopened()
        // What the log holds now rests on a file that isn't there any more.
        if isLogged { try await anna.create("exchange", write("title", "last")) }
        try await boris.pull(from: anna)
        try anna.overwritten(by: snapshot, withLog: withLog)
        let origin = anna.store.origin
        if !isIdle {
            await #expect(throws: StoreError.replaced) { try await anna.digest() }
            await #expect(throws: StoreError.replaced) {
                try await anna.create("exchange", write("title", "never"))
            }
        }
        try await anna.store.close()
        let again = try anna.opened()
        #expect(again.store.origin != origin)
        #expect(try await again.store.damage(by: .indexes).isEmpty)
        #expect(try await again.store.audit().findings == [])
        try await again.create("exchange", write("title", "again"))
        for _ in 0..<2 {
            try await again.pull(from: boris)
            try await boris.pull(from: again)
        }
        #expect(try await again.digest() == boris.digest())
        #expect(again.store.heldClock == boris.store.heldClock)
        let titles = try await boris.store.read {
            try $0.list(type: nil, sort: nil, limit: 0).map(\.document.title).sorted()
        }
        #expect(titles == ["again", "before"] + (isLogged ? ["last"] : []) + ["since"])
        #expect(try await again.store.audit().findings == [])
    }

    /// The same where it happens while a transaction is under way, whose commit goes to the log alone:
    /// what it wrote isn't acknowledged.
    @Test(arguments: [false, true])
    func anOlderStateUnderATransactionIsNoticed(isChanging: Bool) async throws {
        let anna = try await TestNode.founder()
        try await anna.create("exchange", write("title", "before"))
        let opened = try await anna.reopened()
        let snapshot = try opened.snapshot("snapshot")
        try await opened.create("exchange", write("title", "since"))
        let node = try await opened.reopened()
        let origin = node.store.origin
        let failure = await #expect(throws: StoreError.self) {
            try await node.store.write { scope in
                if isChanging {
                    try scope.addInvitation(secret: [1], role: .editor, expires: .max / 2)
                }
                try node.overwritten(by: snapshot, withLog: false)
            }
            _ = try await node.digest()
        }
        #expect(failure == .replaced)
        try await node.store.close()
        let again = try node.opened()
        #expect(again.store.origin != origin)
        #expect(try await again.store.audit().findings == [])
        let titles = try await again.store.read {
            try $0.list(type: nil, sort: nil, limit: 0).map(\.document.title)
        }
        #expect(titles == ["before"])
        #expect(try await again.store.read { try $0.openInvitations().isEmpty })
    }

    /// Another time on the same file is nobody's copy.
    @Test func aTouchedFileIsTheSame() async throws {
        let anna = try await TestNode.founder()
        try await anna.create("exchange", write("title", "before"))
        let origin = anna.store.origin
        for number in 1...2 {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: Double(number))],
                ofItemAtPath: anna.path)
            try await anna.create("exchange", write("title", "after \(number)"))
        }
        let again = try await anna.reopened()
        #expect(again.store.origin == origin)
        #expect(try await again.store.read { try $0.summary().recordCount } == 3)
    }

    @Test func aCopiedFileWritesInANewEpoch() async throws {
        let anna = try await TestNode.founder()
        try await anna.create("exchange", write("title", "a"))
        let origin = anna.store.origin
        try await anna.store.close()
        let copy = anna.folder.path + "/copy.sqlite"
        try FileManager.default.copyItem(atPath: anna.path, toPath: copy)
        try FileManager.default.moveItem(atPath: copy, toPath: anna.path + ".restored")
        #expect(try await anna.opened().reopened().store.origin == origin)
        try FileManager.default.removeItem(atPath: anna.path)
        try FileManager.default.moveItem(atPath: anna.path + ".restored", toPath: anna.path)
        let restored = try anna.opened()
        #expect(restored.store.origin != origin)
        #expect(restored.store.origin.node == origin.node)
        try await restored.create("exchange", write("title", "b"))
        #expect(try await restored.store.read { try $0.summary().recordCount } == 2)
    }

    /// What a peer merely says of this node's log changes nothing: it would cost each liar one word
    /// to have everybody begin new logs.
    @Test func aClaimAboutTheOwnLogChangesNothing() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let origin = anna.store.origin
        let tip = anna.store.appliedClock[origin][0]
        let ahead = Clock.Entry(
            origin: origin, tip: Tip(sequence: tip.sequence + 5, hash: tip.hash))
        try await anna.store.noteHeard([ahead], whole: true, from: boris.store.origin.node)
        #expect(anna.store.origin == origin)
        let neighbour = try await anna.store.read { try $0.neighbour(boris.store.origin.node) }
        #expect(neighbour?.heard.entries == [ahead])
    }
}
