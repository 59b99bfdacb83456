import ParleyCRDT
import ParleyModel
import ParleyStore

/// A record as an early part of its edits made it, whatever came later.
struct PastRecord {
    let record: StoredRecord
    let state: RecordState
    /// The newest of these edits.
    let changed: Dot
    private let times: [Dot: HybridTime]

    /// - Returns: `nil` where there are no edits: the record was made later.
    init?(
        _ record: StoredRecord, edits: [(edit: Edit, time: HybridTime)], in scope: ReadScope
    ) throws {
        let newest = edits.max { ($0.time, $0.edit.dot) < ($1.time, $1.edit.dot) }
        guard let newest else { return nil }
        self.record = record
        state = try RecordState.meaning(of: edits.map(\.edit), in: scope.ancestry())
        changed = newest.edit.dot
        // A change may hold several groups about one record.
        times = Dictionary(edits.map { ($0.edit.dot, $0.time) }) { first, _ in first }
    }

    func time(of dot: Dot) -> HybridTime? { times[dot] }

    /// The cells somebody had to choose for; `nil` is the record's state.
    var conflicts: [FieldName?] {
        guard state.isLive else { return [] }
        return (state.state.isConflict ? [nil] : []) + state.conflictingFields
    }
}
