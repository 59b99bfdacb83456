package import ParleyCRDT
package import ParleyModel
import Synchronization

/// Something in a casebook's file that isn't as it must be. Names changes and records, never what
/// they say.
package struct Finding: Hashable, Sendable {
    /// What was looked at when it turned up.
    package enum Check: Hashable, Sendable, CaseIterable {
        case chains, signatures, members, records, digest, index, erasures
    }

    package enum Subject: Hashable, Sendable {
        case casebook
        /// A change, or the run that begins with it.
        case change(Origin, UInt64)
        case record(RecordID)
    }

    package let check: Check
    package let subject: Subject
    /// What is wrong, in words that fit after the subject's name.
    package let problem: String

    package init(check: Check, subject: Subject, problem: String) {
        self.check = check
        self.subject = subject
        self.problem = problem
    }
}

/// What a check of everything came to.
package struct AuditReport: Hashable, Sendable {
    private static let findingLimit = 100

    package internal(set) var logs = 0
    package internal(set) var changes = 0
    package internal(set) var signatures = 0
    /// Admissions, changes of role and revocations.
    package internal(set) var decisions = 0
    package internal(set) var records = 0
    package internal(set) var conflicts = 0
    /// Erasures and redactions.
    package internal(set) var erasures = 0
    /// The first hundred.
    package private(set) var findings: [Finding] = []
    /// How many there are of each kind, listed or not.
    package private(set) var counts: [Finding.Check: Int] = [:]
    /// Runs that can't be read or don't say what they did.
    private(set) var damagedRuns: [DamagedRun] = []
    /// Runs that were noted as damaged and aren't.
    private(set) var soundRuns: [DamagedRun] = []

    mutating func noteDamaged(_ run: LogReader.Run) { damagedRuns.append(DamagedRun(run)) }
    mutating func noteSound(_ run: LogReader.Run) { soundRuns.append(DamagedRun(run)) }

    /// Findings beyond those that are listed.
    package var moreFindings: Int { counts.values.reduce(0, +) - findings.count }

    mutating func add(_ finding: Finding) {
        counts[finding.check, default: 0] += 1
        if findings.count < AuditReport.findingLimit { findings.append(finding) }
    }
}

/// How far a check of everything has come, for whoever waits for it.
package final class AuditProgress: Sendable {
    private let doneCount = Atomic(0)
    private let totalCount = Atomic(0)

    package init() {}

    package var done: Int { doneCount.load(ordering: .relaxed) }
    /// 0 until that is known.
    package var total: Int { totalCount.load(ordering: .relaxed) }

    func expect(_ steps: Int) { totalCount.wrappingAdd(steps, ordering: .relaxed) }
    func step(_ steps: Int = 1) { doneCount.wrappingAdd(steps, ordering: .relaxed) }
}
