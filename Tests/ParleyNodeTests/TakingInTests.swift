import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleyTransport
import ParleyWire
import Testing

/// Batches of members on their way into a store.
@Suite(.timeLimit(.minutes(2)))
struct TakingInTests {
    /// Somebody's first changes, each a run of its own.
    ///
    /// - Parameters:
    ///   - records: that each change makes.
    ///   - writer: `nil` for the member.
    private func runs(
        _ count: Int, for stand: ReplicaStand, records: Int = 1, by writer: Identity? = nil
    ) throws -> [VerifiedBatch] {
        let author = LogAuthor(identity: writer ?? stand.member, epoch: 7)
        var runs: [VerifiedBatch] = []
        for sequence in 1...UInt64(count) {
            let change = Change(
                origin: author.origin, sequence: sequence,
                time: HybridTime(milliseconds: 1_000 + sequence),
                contextDelta: sequence == 1 ? stand.store.appliedClock.entries : [],
                groups: (1...records).map { number in
                    .creation(
                        type: FieldName("note")!,
                        [
                            Operation(
                                .write, field: FieldName("title")!,
                                values: [.text(Array("note \(sequence) \(number)".utf8))])
                        ])
                })
            runs.append(
                try author.run(
                    of: [change], casebook: stand.store.casebookID,
                    previous: runs.last?.hashes[0] ?? .zero,
                    seed: [UInt8](repeating: 1, count: 16)))
        }
        return runs
    }

    /// What they follow comes by way of others after they were checked and before it is their turn.
    @Test func whatFollowsSomethingUnderWayIsJudgedAtItsTurn() async throws {
        let stand = try await ReplicaStand()
        let (store, node) = (stand.store, stand.member.node)
        let runs = try runs(3, for: stand)
        func check(_ run: VerifiedBatch, after others: [LogRun] = []) async -> CheckedBatches {
            await stand.replica.check(
                [run.bytes], after: others, from: node, in: store.casebookID)
        }
        let early = await check(runs[1])
        #expect(early.runs.isEmpty)
        let never = await check(runs[2])
        let first = await check(runs[0])
        #expect(first.runs == [runs[0].run])
        #expect(await never.store() == .refused(.protocolViolation))
        for checked in [first, early] {
            guard case .stored(let stored, _, _) = await checked.store() else {
                Issue.record("it wasn't stored")
                continue
            }
            #expect(stored.count == 1)
        }
        #expect(store.appliedClock[runs[0].origin].map(\.sequence) == [2])
        await stand.shelf.close()
    }

    /// A few bytes can stand for many records: beyond the first four, batches go into one transaction
    /// only while what they make is little.
    @Test(arguments: [(7, 1, 7), (7, 1_000, 5), (7, 2_000, 4), (3, 2_000, 3)])
    func aTransactionHasAnEnd(count: Int, records: Int, together: Int) async throws {
        let stand = try await ReplicaStand()
        let runs = try runs(count, for: stand, records: records)
        let checked = await stand.replica.check(
            runs.map(\.bytes), after: [], from: stand.member.node, in: stand.store.casebookID)
        #expect(checked.count == together)
        #expect(checked.runs == runs.prefix(together).map(\.run))
        guard case .stored(let stored, _, _) = await checked.store() else {
            Issue.record("it wasn't stored")
            return
        }
        #expect(stored.count == together)
        await stand.shelf.close()
    }

    /// Who sends something wrong behind what is right has the latter stored.
    @Test func whatComesBeforeSomethingWrongIsKept() async throws {
        let stand = try await ReplicaStand()
        let (store, node) = (stand.store, stand.member.node)
        let runs = try runs(3, for: stand)
        func check(_ batches: [[UInt8]]) async -> CheckedBatches {
            await stand.replica.check(batches, after: [], from: node, in: store.casebookID)
        }
        // A signature of something else shows when it is checked.
        let header = try Batch.header(of: runs[1].bytes)
        var forged = runs[1].bytes
        forged[header.bodyOffset - 5] ^= 1
        let checked = await check([runs[0].bytes, forged])
        #expect(checked.count == 1)
        _ = await checked.store()
        #expect(store.heldClock[runs[0].origin].map(\.sequence) == [1])
        let wrong = await check([forged])
        #expect(wrong.count == 1)
        let outcome = await wrong.store()
        #expect(outcome == .refused(.badSignature) || outcome == .refused(.corrupt))
        // That somebody is no member shows only when it is stored.
        let stranger = Identity(privateKey: [UInt8](repeating: 77, count: 32))!
        let strange = try self.runs(1, for: stand, by: stranger)[0]
        let mixed = await check([runs[1].bytes, strange.bytes, runs[2].bytes])
        #expect(mixed.count == 3)
        #expect(await mixed.store() == .refused(.protocolViolation))
        #expect(store.heldClock[runs[0].origin].map(\.sequence) == [2])
        #expect(store.heldClock[strange.origin].isEmpty)
        await stand.shelf.close()
    }

    /// What can't be read is refused, and changes nothing.
    @Test func whatCannotBeReadIsRefused() async throws {
        let stand = try await ReplicaStand()
        let run = try runs(1, for: stand)[0]
        let checked = await stand.replica.check(
            [run.bytes.dropLast(9) + []], after: [], from: stand.member.node,
            in: stand.store.casebookID)
        #expect(await checked.store() == .refused(.corrupt))
        #expect(stand.store.heldClock[run.origin].isEmpty)
        await stand.shelf.close()
    }
}
