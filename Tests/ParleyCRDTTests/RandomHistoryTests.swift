import ParleyCRDT
import ParleyHistories
import ParleyTestSupport
import Testing

struct RandomHistoryTests {
    @Test(arguments: Seeds.fromEnvironment(default: 60))
    func replicasConvergeToWhatTheirEditsMean(seed: UInt64) {
        var history = RandomHistory(seed: seed, changes: 60)
        let meaning = RecordState.meaning(of: history.edits, in: LinearAncestry())
        let forwards = history.replicas.reduce(Replica()) { $0.merged(with: $1) }
        let backwards = history.replicas.reversed().reduce(Replica()) { $0.merged(with: $1) }
        #expect(forwards.state == meaning, "reproduce: PARLEY_SEED=\(seed)")
        #expect(forwards == backwards, "reproduce: PARLEY_SEED=\(seed)")
        #expect(forwards == history.shuffledReplica(), "reproduce: PARLEY_SEED=\(seed)")
    }

    /// Interrupted meetings and detours change nothing: every partial copy is what its own edits
    /// mean.
    @Test(arguments: Seeds.fromEnvironment(default: 60))
    func partialCopiesMeanTheirEdits(seed: UInt64) {
        for replica in RandomHistory(seed: seed, changes: 40).replicas {
            let edits = replica.edits.values.sorted { $0.dot < $1.dot }
            let meaning = RecordState.meaning(of: edits, in: LinearAncestry())
            #expect(replica.state == meaning, "reproduce: PARLEY_SEED=\(seed)")
        }
    }

    /// Why enumerating one kind of cell at a time is complete.
    @Test(arguments: Seeds.fromEnvironment(default: 60))
    func cellsDependOnTheirOwnWritesAlone(seed: UInt64) {
        let edits = RandomHistory(seed: seed, changes: 40).edits
        var whole = RecordState()
        for edit in edits { whole.apply(edit, in: LinearAncestry()) }
        for target in Set(edits.flatMap { $0.writes.map(\.target) }) {
            var alone = RecordState()
            for edit in edits {
                let writes = edit.writes.filter { $0.target == target }
                alone.apply(
                    Edit(dot: edit.dot, context: edit.context, writes: writes), in: LinearAncestry()
                )
            }
            #expect(alone[target] == whole[target], "reproduce: PARLEY_SEED=\(seed)")
        }
    }
}
