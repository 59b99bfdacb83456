import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire
import Testing

/// Who may do what, and what becomes of the work of those who were cut off.
@Suite struct MembershipTests {
    private let place = name("place")

    private func place(of id: RecordID, in node: TestNode) async throws -> String? {
        try await node.record(id)?.document.text("place")
    }

    // MARK: Revocation

    /// What a node wrote beyond the cut counts nowhere: not where it arrives later, and not where
    /// it had arrived first and was built upon.
    @Test func whatLiesBeyondACutIsVoidEverywhere() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let id = try await #require(boris.create("exchange", write("place", "Odesa")).recordIDs[0])
        for node in [anna, carla] { try await node.pull(from: boris) }
        try await anna.revoke(boris.store.origin.node)
        try await boris.edit(id, write("place", "beyond"))
        let beyond = try await #require(boris.create("report", write("title", "b")).recordIDs[0])
        try await carla.pull(from: boris)
        #expect(try await place(of: id, in: carla) == "beyond")
        #expect(try await carla.record(beyond) != nil)
        try await carla.edit(id, write("note", "by carla"))

        for node in [anna, boris, carla] {
            for other in [anna, boris, carla] { try await node.pull(from: other) }
        }
        for node in [anna, boris, carla] {
            #expect(try await place(of: id, in: node) == "Odesa")
            #expect(try await node.record(id)?.document.text("note") == "by carla")
            #expect(try await node.record(beyond) == nil)
            #expect(try await node.digest() == anna.digest())
            #expect(node.store.members.filter(\.isRevoked).map(\.name) == ["boris"])
            #expect(
                try await node.store.read { try $0.summary().records.map(\.count) } == [1],
                "counts by type follow")
        }
        #expect(anna.store.appliedClock == carla.store.appliedClock, "its place in the clock stays")
    }

    /// A record that a void change created exists as soon as a change that counts touches it, with
    /// what that one wrote.
    @Test func anHonestEditKeepsARecordWhoseCreationIsVoid() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        try await anna.revoke(boris.store.origin.node)
        let id = try await #require(
            boris.create("exchange", write("place", "beyond")).recordIDs[0])
        try await carla.pull(from: boris)
        try await carla.edit(id, write("note", "seen"))
        for node in [anna, boris, carla] {
            for other in [anna, boris, carla] { try await node.pull(from: other) }
        }
        for node in [anna, boris, carla] {
            let record = try await #require(node.record(id))
            #expect(record.document.text("note") == "seen")
            #expect(record.document.text("place") == nil)
            #expect(record.type == name("exchange"))
            #expect(try await node.digest() == anna.digest())
        }
    }

    @Test func whoWasCutOffWritesNoMoreOnceItKnows() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        try await anna.revoke(boris.store.origin.node)
        try await boris.pull(from: anna)
        await #expect(throws: StoreError.notPermitted) {
            try await boris.create("exchange", write("place", "late"))
        }
        let reopened = try await boris.reopened()
        await #expect(throws: StoreError.notPermitted) {
            try await reopened.create("exchange", write("place", "late"))
        }
        #expect(reopened.store.members.first { $0.name == "boris" }?.isRevoked == true)
    }

    /// A revoked key stays out, whoever admits it again, with or without knowing.
    @Test func aRevokedKeyIsNeverAdmittedAgain() async throws {
        let anna = try await TestNode.founder()
        let dora = try await anna.admitting("dora", seed: 4, role: .coordinator)
        let boris = try await anna.admitting("boris", seed: 2)
        try await anna.revoke(boris.store.origin.node)
        try await dora.admit(boris.store.origin.node, .editor, as: "boris")
        try await anna.admit(boris.store.origin.node, .editor, as: "boris")
        for node in [boris, anna, dora] {
            for other in [anna, dora, boris] { try await node.pull(from: other) }
        }
        await #expect(throws: StoreError.notPermitted) {
            try await boris.create("exchange", write("place", "late"))
        }
        for node in [anna, boris, dora] {
            #expect(node.store.members.first { $0.name == "boris" }?.isRevoked == true)
        }
    }

    /// Of cuts made apart the lower holds; one made in knowledge of others replaces them, so that
    /// work can be let in again.
    @Test func theLowerOfTwoCutsHoldsUntilALaterOneReplacesBoth() async throws {
        let anna = try await TestNode.founder()
        let dora = try await anna.admitting("dora", seed: 4, role: .coordinator)
        let boris = try await anna.admitting("boris", seed: 2)
        let id = try await #require(boris.create("exchange", write("place", "one")).recordIDs[0])
        try await anna.pull(from: boris)
        try await boris.edit(id, write("place", "two"))
        try await dora.pull(from: boris)
        try await boris.edit(id, write("place", "three"))
        let node = boris.store.origin.node
        try await anna.revoke(node)
        try await dora.revoke(node)
        let nodes = [anna, boris, dora]
        func everybodyMeets() async throws {
            for node in nodes { for other in nodes { try await node.pull(from: other) } }
        }
        try await everybodyMeets()
        for each in nodes {
            #expect(try await place(of: id, in: each) == "one")
            let ends = try await each.store.write { try $0.endsOfRevoked(node) }
            #expect(ends?.flatMap(\.tips).map(\.sequence) == [1])
        }
        try await anna.revoke(
            node,
            keeping: boris.store.appliedClock.entries
                .filter { $0.origin.node == node })
        try await everybodyMeets()
        for node in nodes {
            #expect(try await place(of: id, in: node) == "three")
            #expect(try await node.digest() == anna.digest())
        }
        try await anna.revoke(node, keeping: [])
        try await everybodyMeets()
        for node in nodes {
            #expect(try await node.record(id) == nil)
            #expect(try await node.digest() == anna.digest())
        }
    }

    /// Two coordinators who revoke each other are both out, whoever's cut arrives first.
    @Test(arguments: [false, true])
    func coordinatorsWhoRevokeEachOtherAreBothOut(reversed: Bool) async throws {
        let anna = try await TestNode.founder()
        let dora = try await anna.admitting("dora", seed: 4, role: .coordinator)
        let boris = try await anna.admitting("boris", seed: 2)
        try await dora.pull(from: anna)
        try await anna.revoke(dora.store.origin.node)
        try await dora.revoke(anna.store.origin.node)
        for other in reversed ? [anna, dora] : [dora, anna] { try await boris.pull(from: other) }
        try await anna.pull(from: dora)
        try await dora.pull(from: anna)
        for node in [anna, boris, dora] {
            #expect(
                node.store.members.filter { !$0.isRevoked }.map(\.name) == ["boris"])
            #expect(try await node.digest() == anna.digest())
        }
        for node in [anna, dora] {
            await #expect(throws: StoreError.notPermitted) {
                try await node.create("exchange", write("place", "late"))
            }
        }
        try await boris.create("exchange", write("place", "goes on"))
    }

    /// Whom a coordinator admitted beyond its own cut is nobody, and neither is whom that one
    /// admitted; whom it admitted before stays.
    @Test func whatRestsOnAVoidAdmissionIsVoid() async throws {
        let anna = try await TestNode.founder()
        let dora = try await anna.admitting("dora", seed: 4, role: .coordinator)
        let early = try await dora.admitting("early", seed: 5)
        try await anna.pull(from: dora)
        let late = try await dora.admitting("late", seed: 6, role: .coordinator)
        let later = try await late.admitting("later", seed: 7)
        let kept = try await #require(early.create("exchange", write("place", "e")).recordIDs[0])
        let lost = try await #require(later.create("exchange", write("place", "l")).recordIDs[0])
        let carla = try await anna.admitting("carla", seed: 3)
        for node in [early, late, later] { try await carla.pull(from: node) }
        #expect(try await carla.record(lost) != nil)
        try await anna.revoke(dora.store.origin.node)
        try await carla.pull(from: anna)
        for node in [early, late, later] { try await anna.pull(from: node) }
        for node in [anna, carla] {
            #expect(try await node.record(kept) != nil)
            #expect(try await node.record(lost) == nil)
            #expect(
                node.store.members.filter { !$0.isRevoked }.map(\.name)
                    == ["anna", "carla", "early"])
            #expect(try await node.digest() == anna.digest())
        }
    }

    /// A revocation that waits for something says at least whom nothing is to be given any more; who
    /// doesn't coordinate can't say so.
    @Test func whomAWaitingRevocationNamesIsSuspended() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let thief = try await anna.admitting("thief", seed: 4)
        try await boris.pull(from: anna)
        try await carla.create("note", write("title", "unseen"))
        try await anna.pull(from: carla)
        try await anna.revoke(thief.identity.node)
        try await boris.pull(from: anna, origins: [anna.store.origin])
        #expect(boris.store.suspended == [thief.identity.node])
        let again = try await boris.reopened()
        #expect(again.store.suspended == [thief.identity.node])
        try await again.pull(from: anna)
        #expect(again.store.suspended == [])
        #expect(again.store.members.first { $0.name == "thief" }?.isRevoked == true)

        let author = LogAuthor(identity: carla.identity, epoch: 77)
        let missing = Clock.Entry(
            origin: Origin(node: carla.identity.node, epoch: 5),
            tip: Tip(sequence: 1, hash: HashPrefix(1)))
        let cut = Cut(node: anna.identity.node, accepted: [])
        let change = Change(
            origin: author.origin, sequence: 1, time: HybridTime(rawValue: 1),
            contextDelta: (again.store.appliedClock.entries + [missing])
                .sorted { $0.origin < $1.origin },
            groups: [Group(kind: .cut, subject: .casebook, content: .payload(cut.encoded))])
        try await again.store.ingest([
            author.run(
                of: [change], casebook: again.store.casebookID, previous: .zero,
                seed: [UInt8](repeating: 7, count: 16))
        ])
        #expect(again.store.suspended == [])
    }

    // MARK: Roles

    @Test func aDemotedEditorsUnknowingWorkIsVoidAndItMayStillRead() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let node = boris.store.origin.node
        let id = try await #require(boris.create("exchange", write("place", "one")).recordIDs[0])
        try await anna.pull(from: boris)
        try await anna.change(node, to: .reader)
        try await boris.edit(id, write("place", "unknowing"))
        try await anna.pull(from: boris)
        try await boris.pull(from: anna)
        for store in [anna, boris] {
            #expect(try await place(of: id, in: store) == "one")
            let member = store.store.members.first { $0.node == node }
            #expect(member?.role == .reader && member?.isRevoked == false)
        }
        await #expect(throws: StoreError.notPermitted) {
            try await boris.edit(id, write("place", "knowing"))
        }
        try await anna.change(node, to: .editor)
        try await boris.pull(from: anna)
        try await boris.edit(id, write("place", "again"))
        try await anna.pull(from: boris)
        #expect(try await place(of: id, in: anna) == "again")
        #expect(try await anna.digest() == boris.digest())
    }

    /// What the new role permits as well counts on, known or not; what only the old one did doesn't.
    @Test func aDemotedCoordinatorsUnknowingEditsCount() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2, role: .coordinator)
        let node = boris.store.origin.node
        try await anna.change(node, to: .editor)
        let id = try await #require(boris.create("exchange", write("place", "road")).recordIDs[0])
        let dora = try await boris.admitting("dora", seed: 3)
        let lost = try await #require(dora.create("exchange", write("place", "x")).recordIDs[0])
        for other in [boris, dora] { try await anna.pull(from: other) }
        for other in [anna, dora] { try await boris.pull(from: other) }
        for store in [anna, boris] {
            #expect(try await place(of: id, in: store) == "road")
            #expect(try await store.record(lost) == nil)
            #expect(store.store.members.map(\.name) == ["anna", "boris"])
        }
        let again = try await anna.reopened()
        #expect(try await again.store.audit().findings == [])
        try await again.change(node, to: .reader)
        #expect(try await place(of: id, in: again) == "road", "it had come before")
    }

    /// What a change of role made void stays so, whatever is decided next: a further change, a role that
    /// doesn't permit it either, a revocation.
    @Test(arguments: [[Role.reader], [.reader, .editor], [.editor, .reader], [.editor]])
    func whatARoleMadeVoidStaysSo(roles: [Role]) async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2, role: .coordinator)
        let node = boris.store.origin.node
        try await anna.change(node, to: roles[0])
        let dora = try await boris.admitting("dora", seed: 3)
        try await anna.pull(from: boris)
        for role in roles.dropFirst() { try await anna.change(node, to: role) }
        for store in [anna, dora] {
            try await store.pull(from: anna)
            #expect(!anna.store.members.contains { $0.name == "dora" })
        }
        try await anna.revoke(node)
        try await dora.pull(from: anna)
        for store in [anna, dora] {
            #expect(!store.store.members.contains { $0.name == "dora" })
            #expect(try await store.digest() == anna.digest())
        }
    }

    /// Giving a role back lets in what was written without knowing that it was taken.
    @Test func aRoleGivenBackLetsWorkInAgain() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let node = boris.store.origin.node
        try await anna.change(node, to: .reader)
        let id = try await #require(boris.create("exchange", write("place", "road")).recordIDs[0])
        try await anna.pull(from: boris)
        #expect(try await anna.record(id) == nil)
        try await anna.change(node, to: .editor)
        let late = try await #require(boris.create("exchange", write("place", "x")).recordIDs[0])
        for (one, other) in [(boris, anna), (anna, boris)] { try await one.pull(from: other) }
        for store in [anna, boris] {
            #expect(try await place(of: id, in: store) == "road")
            #expect(try await place(of: late, in: store) == "x")
        }
        #expect(try await anna.digest() == boris.digest())
    }

    /// A stolen key's branch can be cut while the other one stays.
    @Test func aCutCanKeepOneBranchOfAFork() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let id = try await #require(boris.create("exchange", write("place", "both")).recordIDs[0])
        let thief = try boris.cloned("thief", seed: 50)
        let honest = try await boris.edit(id, write("place", "honest"))
        try await thief.edit(id, write("place", "stolen"))
        let gone = try await #require(thief.create("report", write("title", "t")).recordIDs[0])
        for other in [boris, thief] { try await anna.pull(from: other) }
        #expect(try await anna.forks() == [boris.store.origin])
        #expect(try await anna.record(id)?.state.conflictingFields == [place])
        try await anna.revoke(
            boris.store.origin.node,
            keeping: [Clock.Entry(origin: honest.dot.origin, tip: honest.dot.tip)])
        for node in [anna, boris, thief] {
            for other in [anna, boris, thief] { try await node.pull(from: other) }
        }
        for node in [anna, boris, thief] {
            #expect(try await place(of: id, in: node) == "honest")
            #expect(try await node.record(gone) == nil)
            #expect(try await node.digest() == anna.digest())
        }
    }
}
