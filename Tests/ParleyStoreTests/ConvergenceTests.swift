import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyWire
import Testing

/// Random histories of three writers, delivered in shuffled causal orders.
@Suite struct ConvergenceTests {
    /// Whatever the order of delivery, the digest is the same, and each record's stored state is
    /// what the definition makes of its edits.
    @Test(arguments: 1...12)
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
        let digest = try await nodes[0].digest()
        for node in nodes {
            #expect(try await node.digest() == digest)
            try await check(node, ids)
        }
        for _ in 0..<3 {
            let copy = try await replica(of: nodes[0], &random)
            #expect(try await copy.digest() == digest)
            try await check(copy, ids)
            try copy.store.close()
        }
    }

    private func writers() async throws -> [TestNode] {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        return [anna, boris, carla]
    }

    /// One random change: a creation or an edit, a deletion, a resolution.
    private func act(
        on node: TestNode, _ ids: inout [RecordID], _ random: inout SplitMix
    ) async throws {
        let known = try await node.store.read { scope in
            try scope.list(type: nil, filters: [], sort: nil, limit: 0).map(\.id)
        }
        guard let id = known.randomElement(using: &random), ids.count > 2 else {
            let value = "\(Int.random(in: 0..<3, using: &random))"
            let created = try await node.create(
                "exchange", write("place", value), add("tags", value))
            if let id = created.recordIDs[0] { ids.append(id) }
            return
        }
        guard let record = try await node.record(id) else { return }
        let operations = operations(on: record, &random)
        guard !operations.isEmpty else { return }
        _ = try await node.store.write {
            try $0.append([.edit(of: record.reference, operations), .reason(Array("why".utf8))])
        }
    }

    private func operations(
        on record: ReadScope.StoredRecord, _ random: inout SplitMix
    ) -> [Operation] {
        let value = "\(Int.random(in: 0..<4, using: &random))"
        let entries = record.state[.register(name("place"))].entries
        let drops = entries.map { DotReference($0.dot) }
        switch Int.random(in: 0..<9, using: &random) {
        case 0...2: return [write("place", value)]
        case 3: return [write("title", value), add("tags", value)]
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
        while store.heldClock != node.store.appliedClock {
            let lacking = node.store.appliedClock.entries(movedSince: store.heldClock)
            let origin = lacking.randomElement(using: &random)!.origin
            let batches = try await node.store.batches(
                of: origin, after: store.head(of: origin).last, byteLimit: 1)
            try await store.ingest(await copy.verified(batches))
        }
        #expect(store.appliedClock == store.heldClock)
        return copy
    }

    private func check(_ node: TestNode, _ ids: [RecordID]) async throws {
        let recomputed = try await node.store.read { try $0.recomputedDigest() }
        #expect(try await node.digest() == recomputed)
        for id in ids {
            try await node.store.read { scope in
                let record = try #require(try scope.record(id))
                let edits = try scope.edits(of: id)
                let meaning = RecordState.meaning(
                    of: edits.map(\.edit), in: LinearAncestry())
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
