import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyStore
import ParleyTransport
import Testing

/// Batches of members on their way into a store.
@Suite(.timeLimit(.minutes(2)))
struct TakingInTests {
    /// A member's first notes, each a run of its own.
    private func runs(_ count: Int, for stand: ReplicaStand) throws -> [VerifiedBatch] {
        let author = LogAuthor(identity: stand.member, epoch: 7)
        var runs: [VerifiedBatch] = []
        for sequence in 1...UInt64(count) {
            let change = Change(
                origin: author.origin, sequence: sequence,
                time: HybridTime(milliseconds: 1_000 + sequence),
                contextDelta: sequence == 1 ? stand.store.appliedClock.entries : [],
                groups: [
                    .creation(
                        type: FieldName("note")!,
                        [
                            Operation(
                                .write, field: FieldName("title")!,
                                values: [.text(Array("note \(sequence)".utf8))])
                        ])
                ])
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
