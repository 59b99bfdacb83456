import GRDB
package import ParleyCRDT
import ParleyLog
package import ParleyModel
import ParleyWire

/// Something in a casebook's file that isn't as it must be.
package struct Finding: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        case casebook
        /// A change, or the run that begins with it.
        case change(Origin, UInt64)
        case record(RecordID)
    }

    package let subject: Subject
    /// What is wrong, in words that fit after the subject's name.
    package let problem: String
}

/// What a check of everything came to.
package struct AuditReport: Hashable, Sendable {
    package var changes = 0
    package var signatures = 0
    package var records = 0
    package var findings: [Finding] = []
    /// Findings beyond those that are listed.
    package var moreFindings = 0
}

extension CasebookStore {
    /// Checks everything the file says against everything it rests on: each log's chain and
    /// signatures, each record against what its changes mean, the digest against the records, and
    /// that nothing is left of what was erased.
    ///
    /// Reads all of it, in one snapshot.
    package func audit() async throws -> AuditReport {
        try await read { scope in
            var audit = try Audit(scope)
            try audit.checkLogs()
            try audit.checkRecords()
            return audit.report
        }
    }
}

private struct Audit {
    private static let findingLimit = 100

    private let scope: ReadScope
    private let lanes: LaneTable
    private let casebook: CasebookRow
    private let claims: Claims
    private(set) var report = AuditReport()

    init(_ scope: ReadScope) throws {
        self.scope = scope
        lanes = try scope.lanes()
        casebook = try scope.casebook()
        claims = try scope.claims()
    }

    private mutating func find(_ problem: String, _ subject: Finding.Subject) {
        if report.findings.count < Audit.findingLimit {
            report.findings.append(Finding(subject: subject, problem: problem))
        } else {
            report.moreFindings += 1
        }
    }

    // MARK: Logs

    mutating func checkLogs() throws {
        for lane in lanes.lanes where !lane.isFree { try check(lane) }
    }

    /// Runs may overlap; what follows from them must not.
    private mutating func check(_ lane: Lane) throws {
        var end = lane.fork
        let firsts = try Query(
            scope.db, "SELECT first FROM batch WHERE lane = \(lane.number) ORDER BY first"
        ).all { $0.word(0) }
        for first in firsts {
            guard let run = try LogReader.run(lane: lane.number, first: first, scope.db) else {
                continue
            }
            guard let last = try check(run, of: lane) else { continue }
            guard run.first <= end.sequence + 1 else {
                find(
                    "is the first after a gap: changes from \(end.sequence + 1) on are missing",
                    .change(lane.origin, run.first))
                end = last
                continue
            }
            if last.sequence > end.sequence { end = last }
        }
        if end != lane.held {
            find(
                "should be the last of this log, which ends at \(end.sequence)",
                .change(lane.origin, lane.held.sequence))
        }
    }

    /// - Returns: where it ends; `nil` where it can't be read.
    private mutating func check(_ run: LogReader.Run, of lane: Lane) throws -> Lane.Point? {
        let subject = Finding.Subject.change(lane.origin, run.first)
        let batch: Batch
        do {
            batch = try LogReader.decode(run)
        } catch {
            find("begins a run that can't be read", subject)
            return nil
        }
        report.changes += batch.changes.count
        guard batch.origin == lane.origin else {
            find("begins a run of another log", subject)
            return nil
        }
        do {
            let previous = try scope.logs().hash(of: run.first - 1, in: lane.number) ?? .zero
            let hashes = try VerifiedBatch.hashes(of: batch, after: previous)
            for (index, hash) in hashes.enumerated() {
                let sequence = run.first + UInt64(index)
                if try run.hash(of: sequence) != hash {
                    find(
                        "doesn't have the hash that was noted for it",
                        .change(lane.origin, sequence))
                }
            }
            let end = hashes[hashes.count - 1]
            check(batch, hash: end)
            return Lane.Point(sequence: run.last, hash: end)
        } catch is LogError {
            find("begins a run whose hashes can't be computed", subject)
            return nil
        }
    }

    private mutating func check(_ batch: Batch, hash: Digest) {
        report.signatures += 1
        let head = Head(
            casebook: casebook.id, origin: batch.origin, sequence: batch.last, hash: hash)
        if !head.isSigned(with: batch.signature) {
            find("isn't signed by its author", .change(batch.origin, batch.last))
        }
    }

    // MARK: Records

    mutating func checkRecords() throws {
        let (logs, types, history) = (try scope.logs(), try scope.types(), try scope.history())
        var sum = DigestSum()
        var conflicts = 0
        try Query(scope.db, "SELECT \(RecordRow.columns) FROM record ORDER BY n").each { query in
            let row = try RecordRow(query)
            report.records += 1
            do {
                let content = try row.content(logs: logs, types: types)
                sum.add(CanonicalState.term(of: content))
                conflicts += content.conflicts.count
                let steps = try history.steps(of: row.key)
                try check(row, content, steps)
            } catch is StoreError {
                find("can't be read", .record(row.id))
            }
            return true
        }
        if sum.value != casebook.digest.value {
            find("has a digest that its records don't come to", .casebook)
        }
        let noted = try Query(scope.db, "SELECT count(*) FROM conflict").first { $0.int(0) }
        if noted != conflicts { find("notes other conflicts than its records have", .casebook) }
        try checkLogsAgainstRecords(history)
    }

    private mutating func check(
        _ row: RecordRow, _ content: RecordContent, _ steps: [EditHistory.Step]
    ) throws {
        if claims.isErased(row.key) {
            find("is erased and still here", .record(row.id))
        } else if steps.isEmpty {
            find("rests on no change that counts", .record(row.id))
        } else if try RecordState.meaning(of: steps.map(\.edit), in: scope.logs())
            != content.state
        {
            find("isn't what its changes come to", .record(row.id))
        } else if content.document.json != row.document || content.listing != row.listing {
            find("is shown otherwise than it is stored", .record(row.id))
        }
    }

    /// Every record that a change created or touched is there, and nothing of an erased one.
    private mutating func checkLogsAgainstRecords(_ history: EditHistory) throws {
        let (logs, membership) = (try scope.logs(), try scope.membership())
        for lane in lanes.lanes where !lane.isFree {
            try history.forEachApplied(of: lane) { applicant in
                if !claims.isEmpty {
                    let rest = try claims.removal(from: applicant, in: logs) {
                        $0.state == .rewritten || $0.state == .done
                    }
                    if !rest.isEmpty {
                        find(
                            "still holds what was erased",
                            .change(lane.origin, applicant.change.sequence))
                    }
                }
                guard try membership.authorises(applicant, of: casebook.id, in: logs),
                    try !membership.isVoid(applicant, of: casebook.id, in: logs)
                else { return }
                try checkRecords(of: applicant, logs)
            }
        }
    }

    private mutating func checkRecords(of applicant: Applicant, _ logs: HeldLogs) throws {
        for (index, group) in applicant.change.groups.enumerated() {
            guard group.kind == .record,
                try logs.writes(of: group, by: applicant)?.isEmpty == false,
                let key = try logs.recordKey(of: group, index: index, by: applicant),
                !claims.isErased(key)
            else { continue }
            if try RecordTable(db: scope.db).row(key) == nil {
                find(
                    "says something of a record that isn't here",
                    .change(applicant.change.origin, applicant.change.sequence))
            }
        }
    }
}
