import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTestSupport
import ParleyWire
import Testing

/// Random histories of three writers, delivered in shuffled causal orders.
@Suite struct ConvergenceTests {
    /// Whatever the order of delivery, the digest is the same, and each record's stored state is
    /// what the definition makes of its edits.
    @Test(arguments: Seeds.fromEnvironment(default: 12))
    func deliveryOrderDoesNotMatter(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let nodes = try await writers()
        var ids: [RecordID] = []
        for _ in 0..<60 {
            let node = nodes[Int.random(in: 0..<3, using: &random)]
            node.world.advance(milliseconds: .random(in: 0..<5000, using: &random))
            if Int.random(in: 0..<4, using: &random) == 0 {
                let other = nodes[Int.random(in: 0..<3, using: &random)]
                try await node.pull(from: other)
            } else {
                try await act(on: node, &ids, &random)
            }
        }
        for node in nodes { for other in nodes { try await node.pull(from: other) } }
        try await checkAll(nodes, ids, &random)
    }

    /// The same where stores are put back, cloned and rolled back meanwhile and go on writing, so
    /// that logs fork.
    @Test(arguments: Seeds.fromEnvironment(default: 24))
    func copiesAndRollbacksLoseNothing(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        var nodes = try await writers()
        var ids: [RecordID] = []
        var written: Set<Dot> = []
        var snapshots: [(index: Int, path: String)] = []
        for step in 0..<80 {
            let index = Int.random(in: nodes.indices, using: &random)
            let node = nodes[index]
            node.world.advance(milliseconds: .random(in: 0..<5000, using: &random))
            switch Int.random(in: 0..<20, using: &random) {
            case 0 where nodes.count < 6:
                let isClone = Bool.random(using: &random)
                let seed = UInt64(100 + step)
                nodes.append(
                    try isClone
                        ? node.cloned("copy \(step)", seed: seed)
                        : node.copied("copy \(step)", seed: seed))
            case 1: snapshots.append((index, try node.snapshot("snapshot \(step)")))
            case 2:
                guard let snapshot = snapshots.filter({ $0.index == index }).last else { continue }
                // What nobody else has yet would be gone with the disk.
                let other = nodes[(index + 1) % nodes.count]
                try await other.pull(from: node)
                nodes[index] = try await goneBack(node, to: snapshot.path, &random)
            case 3...7:
                try await node.pull(from: nodes[Int.random(in: nodes.indices, using: &random)])
            default:
                if let dot = try await act(on: node, &ids, &random) { written.insert(dot) }
            }
        }
        for _ in 0..<2 {
            for node in nodes { for other in nodes { try await node.pull(from: other) } }
        }
        for node in nodes {
            for dot in written {
                #expect(try await node.store.read { try $0.loggedChange(dot) != nil })
            }
        }
        try await checkAll(nodes, ids, &random)
    }

    /// The same while coordinators cut members off at any place, let work in again, change roles and
    /// revoke each other, and some logs fork.
    @Test(arguments: Seeds.fromEnvironment(default: 24))
    func cutsLeaveEverybodyWithTheSame(seed: UInt64) async throws {
        let nodes = try await story(seed: seed) { node, members, draw, random in
            guard (1...2).contains(draw) else { return false }
            try await govern(node, members.randomElement(using: &random)!, &random)
            return true
        }
        #expect(Set(nodes.map { $0.store.members }).count == 1)
    }

    /// The same while coordinators erase records and redact fields, some logs fork and some members
    /// are cut off: what is taken back is gone from every store, in whatever order things came.
    @Test(arguments: Seeds.fromEnvironment(default: 16))
    func whatIsTakenBackIsGoneEverywhere(seed: UInt64) async throws {
        let nodes = try await story(seed: seed) { node, members, draw, random in
            switch draw {
            case 1 where seed.isMultiple(of: 3):
                try await govern(node, members.randomElement(using: &random)!, &random)
            case 2, 3: try await takeBack(on: node, &random)
            case 9: _ = try await node.store.finishErasures()
            default: return false
            }
            return true
        }
        for node in nodes { try await checkErased(node) }
    }

    /// Acts of four members, two of them coordinators, and of clones of them, until all of them have
    /// everything and agree. What somebody may not do then is left out.
    ///
    /// - Parameter special: does what one of 24 draws stands for, or says that it stands for nothing.
    private func story(
        seed: UInt64,
        _ special: (TestNode, [NodeID], Int, inout SplitMix) async throws -> Bool
    ) async throws -> [TestNode] {
        var random = SplitMix(seed: seed)
        var nodes = try await writers()
        nodes.append(try await nodes[0].admitting("dora", seed: 4, role: .coordinator))
        let members = nodes.map(\.store.origin.node)
        var ids: [RecordID] = []
        for step in 0..<80 {
            let node = nodes[Int.random(in: nodes.indices, using: &random)]
            node.world.advance(milliseconds: .random(in: 0..<5000, using: &random))
            let draw = Int.random(in: 0..<24, using: &random)
            do {
                switch draw {
                case 0 where nodes.count < 6:
                    nodes.append(try node.cloned("copy \(step)", seed: UInt64(100 + step)))
                case 4...8:
                    try await node.pull(from: nodes[Int.random(in: nodes.indices, using: &random)])
                default:
                    guard try await !special(node, members, draw, &random) else { continue }
                    try await act(on: node, &ids, &random)
                }
            } catch StoreError.notPermitted {
                continue
            }
        }
        for _ in 0..<2 {
            for node in nodes { for other in nodes { try await node.pull(from: other) } }
        }
        try await checkAll(nodes, ids, &random)
        return nodes
    }

    private func takeBack(on node: TestNode, _ random: inout SplitMix) async throws {
        let known = try await node.store.read { scope in
            try scope.list(type: nil, filters: [], sort: nil, limit: 0).map(\.id)
        }
        guard let id = known.randomElement(using: &random) else { return }
        if Bool.random(using: &random) {
            try await node.erase(id)
        } else {
            try await node.redact(id, "note")
        }
    }

    /// Nothing of an erased record is in any stored batch, and no change lacks anything else.
    private func checkErased(_ node: TestNode) async throws {
        let findings = try await node.store.audit().findings
        #expect(findings == [])
        // A change may be in several runs, for instance in one across a fork.
        var changes: [Digest: Change] = [:]
        for run in try SQLiteFile(node.path).runs() {
            for (hash, change) in zip(run.hashes, run.batch.changes) {
                #expect(changes.updateValue(change, forKey: hash) ?? change == change)
            }
        }
    }

    /// One act of a coordinator about a member.
    private func govern(
        _ node: TestNode, _ member: NodeID, _ random: inout SplitMix
    ) async throws {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: try await node.change(member, to: .reader)
        case 1: try await node.admit(member, .editor, as: "e")
        default:
            let logs = node.store.appliedClock.entries.filter { $0.origin.node == member }
            var tips: [Clock.Entry] = []
            for log in logs {
                let last = log.tips[0].sequence
                let end = Bool.random(using: &random) ? last : .random(in: 1...last, using: &random)
                let hash = try await node.store.hashes(of: log.origin, at: end, named: nil)[0]
                tips.append(
                    Clock.Entry(
                        origin: log.origin, tip: Tip(sequence: end, hash: hash.prefix)))
            }
            try await node.revoke(member, keeping: tips)
        }
    }

    private func goneBack(
        _ node: TestNode, to snapshot: String, _ random: inout SplitMix
    ) async throws -> TestNode {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: try await node.rolledBack(to: snapshot)
        case 1: try await node.restored(from: snapshot, inPlace: true)
        default: try await node.restored(from: snapshot, inPlace: false)
        }
    }

    private func checkAll(
        _ nodes: [TestNode], _ ids: [RecordID], _ random: inout SplitMix
    ) async throws {
        let digest = try await nodes[0].digest()
        for node in nodes {
            #expect(node.store.appliedClock == nodes[0].store.appliedClock)
            #expect(try await node.forks() == nodes[0].forks())
            #expect(try await node.digest() == digest)
            try await check(node, ids)
        }
        for _ in 0..<3 {
            let copy = try await replica(of: nodes[0], &random)
            #expect(try await copy.digest() == digest)
            try await check(copy, ids)
            try await copy.store.close()
        }
    }

    private func writers() async throws -> [TestNode] {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        return [anna, boris, carla]
    }

    /// One random change: a creation or an edit, a deletion, a resolution.
    @discardableResult
    private func act(
        on node: TestNode, _ ids: inout [RecordID], _ random: inout SplitMix
    ) async throws -> Dot? {
        let known = try await node.store.read { scope in
            try scope.list(type: nil, filters: [], sort: nil, limit: 0).map(\.id)
        }
        guard let id = known.randomElement(using: &random), ids.count > 2 else {
            let value = "\(Int.random(in: 0..<3, using: &random))"
            let created = try await node.create(
                "exchange", write("place", value), add("tags", value))
            if let id = created.recordIDs[0] { ids.append(id) }
            return created.dot
        }
        guard let record = try await node.record(id) else { return nil }
        let entries = record.state[.register(name("place"))].entries
        let drops = try await node.store.read { scope in
            try entries.map { try scope.reference(to: $0.dot) }
        }
        let operations = operations(dropping: drops, &random)
        guard !operations.isEmpty else { return nil }
        return try await node.store.write {
            try $0.append([.edit(of: record.reference, operations), .reason(Array("why".utf8))])
        }.dot
    }

    private func operations(
        dropping drops: [DotReference], _ random: inout SplitMix
    ) -> [Operation] {
        let value = "\(Int.random(in: 0..<4, using: &random))"
        switch Int.random(in: 0..<9, using: &random) {
        case 0...2: return [write("place", value)]
        case 3: return [confide("note", value), add("tags", value)]
        case 4: return [remove("tags", value)]
        case 5: return [delete]
        case 6: return [restore]
        case 7 where !drops.isEmpty:
            return [
                Operation(
                    .resolve, field: name("place"), values: [text(value)],
                    drops: [drops.randomElement(using: &random)!])
            ]
        default:
            // Reopened: several values at once, by all that stands.
            guard !drops.isEmpty else { return [] }
            return [
                Operation(
                    .resolve, field: name("place"), values: [text("a"), text(value)], drops: drops)
            ]
        }
    }

    /// A store that gets the same logs cut anew and in a random order, causes often after effects.
    private func replica(of node: TestNode, _ random: inout SplitMix) async throws -> TestNode {
        let world = TestEnvironment(seed: 9)
        let identity = TestNode.identity(9)
        let path = node.folder.file("copy\(Int.random(in: 0...Int.max, using: &random))")
        let store = try CasebookStore.joining(
            at: path, casebook: node.store.casebookID, identity: identity,
            environment: world.environment)
        let copy = TestNode(
            folder: node.folder, identity: identity, world: world, store: store, path: path)
        var logs = node.store.appliedClock.entries.map { PeerLog(origin: $0.origin, tips: []) }
        while !logs.isEmpty {
            let index = Int.random(in: logs.indices, using: &random)
            let more = try await copy.take(&logs[index], from: node, byteLimit: 1)
            if more == nil { logs.remove(at: index) }
        }
        #expect(store.heldClock == node.store.appliedClock)
        #expect(store.appliedClock == store.heldClock)
        return copy
    }

    private func check(_ node: TestNode, _ ids: [RecordID]) async throws {
        let recomputed = try await node.store.read { try $0.recomputedDigest() }
        #expect(try await node.digest() == recomputed)
        for id in ids {
            try await node.store.read { scope in
                guard let record = try scope.record(id) else {
                    #expect(try scope.edits(of: id).isEmpty)
                    return
                }
                let edits = try scope.edits(of: id)
                let meaning = try RecordState.meaning(
                    of: edits.map(\.edit), in: scope.ancestry())
                #expect(record.state == meaning)
                #expect(edits.allSatisfy { record.time(of: $0.edit.dot) ?? $0.time == $0.time })
                let fields = try scope.conflicts(limit: 0).filter { $0.record == id }.compactMap(
                    \.field)
                #expect(Set(fields) == Set(meaning.isLive ? meaning.conflictingFields : []))
            }
        }
    }
}

/// A small generator that is the same everywhere.
/// Source: Steele et al., "Fast Splittable Pseudorandom Number Generators" (2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
