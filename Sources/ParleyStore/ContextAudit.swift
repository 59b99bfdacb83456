import GRDB
import ParleyCRDT
import ParleyModel

/// Checks the contexts that are noted of a log, its last one and one of every few changes, against the
/// changes they add up from: what an author had seen is judged by them.
struct ContextAudit {
    private let db: Database
    private let lane: Lane
    /// The first change whose context is noted otherwise.
    private(set) var wrong: UInt64?

    init(_ db: Database, _ lane: Lane) {
        self.db = db
        self.lane = lane
    }

    /// Looks at an applied change of the log; all of them have to come, in order.
    mutating func check(_ applicant: Applicant) throws {
        let sequence = applicant.change.sequence
        guard wrong == nil else { return }
        if sequence == lane.applied.sequence, others(applicant.context) != others(lane.context) {
            wrong = sequence
        }
        guard sequence.isMultiple(of: Transaction.contextInterval) else { return }
        let query = try Query(db, "SELECT clock FROM context WHERE lane = ?1 AND sequence = ?2")
        query.bind(1, lane.number)
        query.bind(2, sequence)
        let kept = try query.first { try Clock(stored: $0.bytes(0)) }
        // One that isn't there is added up instead.
        if let kept, others(kept) != others(applicant.context) { wrong = sequence }
    }

    private func others(_ context: Clock) -> [Clock.Entry] {
        context.entries.filter { $0.origin != lane.origin }
    }
}
