import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// Checks what is shown against the logs it rests on: every record, the conflicts, the digest, and
/// that nothing is left of what was erased.
struct RecordAudit {
    private let scope: ReadScope
    private let pace: AuditPace
    private let claims: Claims
    private let logs: HeldLogs
    private let types: TypeTable
    private let history: EditHistory
    private let membership: Membership
    private let casebook: CasebookRow

    init(_ scope: ReadScope, _ pace: AuditPace) throws {
        self.scope = scope
        self.pace = pace
        claims = try scope.claims()
        logs = try scope.logs()
        types = try scope.types()
        history = try scope.history()
        membership = try scope.membership()
        casebook = try scope.casebook()
    }

    func run(_ report: inout AuditReport) throws {
        report.erasures = claims.all.count
        let rows = try Query(scope.db, "SELECT count(*) FROM record").first { $0.int(0) } ?? 0
        let used = logs.lanes.lanes.filter { !$0.isFree }
        pace.progress.expect(rows + used.reduce(0) { $0 + $1.ownedCount })
        try checkRecords(&report)
        var decisions = DecisionAudit(membership, claims, logs: logs, casebook: casebook.id)
        report.decisions = decisions.count
        for lane in used { try checkLog(of: lane, &decisions, &report) }
        // Of what can't be read nobody knows what it decided.
        if report.counts[.chains] == nil { decisions.finish(&report) }
    }

    // MARK: Records

    private func checkRecords(_ report: inout AuditReport) throws {
        var sum = DigestSum()
        var noted = try notedConflicts()
        var index = try IndexAudit(scope.db, lanes: logs.lanes)
        try Query(scope.db, "SELECT \(RecordRow.columns) FROM record ORDER BY n").each { query in
            try pace.step()
            report.records += 1
            let row: RecordRow
            do {
                row = try RecordRow(query)
                _ = try logs.lanes.origin(of: row.key.lane)
            } catch {
                report.add(
                    Finding(
                        check: .records, subject: .casebook,
                        problem: "has a record whose row can't be read"))
                return true
            }
            let conflicts = noted.removeValue(forKey: row.key) ?? []
            do {
                let content = try row.content(logs: logs, types: types)
                sum.add(CanonicalState.term(of: content))
                report.conflicts += content.conflicts.count
                try index.check(row, content)
                if let problem = try problem(with: row, content, notedConflicts: conflicts) {
                    report.add(problem)
                }
            } catch {
                report.add(
                    Finding(
                        check: .records, subject: .record(row.id),
                        problem: "can't be compared with the changes it rests on"))
            }
            return true
        }
        if sum.value != casebook.digest.value {
            report.add(
                Finding(
                    check: .digest, subject: .casebook,
                    problem: "has a digest that its records don't come to"))
        }
        let unreachable = try scope.unreachableCount()
        if unreachable > 0 {
            report.add(
                Finding(
                    check: .records, subject: .casebook,
                    problem: "has records that aren't found by their IDs: \(unreachable)"))
        }
        if index.lacking > 0 {
            report.add(
                Finding(
                    check: .index, subject: .casebook,
                    problem: "has records that aren't found by all they say: \(index.lacking)"))
        }
        if !noted.isEmpty {
            report.add(
                Finding(
                    check: .records, subject: .casebook,
                    problem: "notes conflicts of \(noted.count) records that aren't here"))
        }
    }

    private func notedConflicts() throws -> [RecordKey: Set<String>] {
        var noted: [RecordKey: Set<String>] = [:]
        try Query(scope.db, "SELECT n, field FROM conflict").each { row in
            noted[RecordKey(packed: row.int64(0)), default: []].insert(row.text(1))
            return true
        }
        return noted
    }

    /// The first thing that is wrong with a record.
    private func problem(
        with row: RecordRow, _ content: RecordContent, notedConflicts: Set<String>
    ) throws -> Finding? {
        if claims.isErased(row.key) {
            return Finding(
                check: .erasures, subject: .record(row.id), problem: "is erased and still here")
        }
        return try wordsOfProblem(with: row, content, notedConflicts: notedConflicts).map {
            Finding(check: .records, subject: .record(row.id), problem: $0)
        }
    }

    private func wordsOfProblem(
        with row: RecordRow, _ content: RecordContent, notedConflicts: Set<String>
    ) throws -> String? {
        let creation = try logs.hash(of: row.key.sequence, in: row.key.lane)
        guard let creation, RecordID(change: creation, group: row.key.group) == row.id else {
            return "doesn't have the ID that its creation gives it"
        }
        let steps = try history.steps(of: row.key)
        if steps.isEmpty { return "rests on no change that counts" }
        if try RecordState.meaning(of: steps.map(\.edit), in: logs) != content.state {
            return "isn't what its changes come to"
        }
        if content.document.json != row.document || content.listing != row.listing {
            return "is shown otherwise than its changes say"
        }
        if Set(content.conflicts) != notedConflicts {
            return "is noted with other conflicts than it has"
        }
        return nil
    }

    // MARK: Logs against records

    /// Every record that a change created or touched is there, and nothing of an erased one.
    private func checkLog(
        of lane: Lane, _ decisions: inout DecisionAudit, _ report: inout AuditReport
    ) throws {
        var contexts = ContextAudit(scope.db, lane)
        do {
            try history.forEachApplied(of: lane) { applicant in
                try pace.step()
                try contexts.check(applicant)
                if try holdsErased(applicant) {
                    report.add(
                        Finding(
                            check: .erasures,
                            subject: .change(lane.origin, applicant.change.sequence),
                            problem: "still holds what was erased"))
                }
                guard try membership.authorises(applicant, of: casebook.id, in: logs) else {
                    return
                }
                try decisions.check(applicant, &report)
                guard try !membership.isVoid(applicant, of: casebook.id, in: logs) else { return }
                if let problem = try problem(of: applicant) {
                    report.add(
                        Finding(
                            check: .records,
                            subject: .change(lane.origin, applicant.change.sequence),
                            problem: problem))
                }
            }
            if let wrong = contexts.wrong {
                report.add(
                    Finding(
                        check: .records, subject: .change(lane.origin, wrong),
                        problem: "isn't noted with what its author had seen"))
            }
        } catch StoreError.damaged {
            // What can't be read was named with its log, or with the log it refers to.
            guard report.counts[.chains] == nil else { return }
            report.add(
                Finding(
                    check: .records, subject: .change(lane.origin, lane.fork.sequence + 1),
                    problem: "begins a log that can't be compared with the records"))
        }
    }

    private func holdsErased(_ applicant: Applicant) throws -> Bool {
        guard !claims.isEmpty else { return false }
        return try !claims.removal(from: applicant, in: logs) {
            $0.state == .rewritten || $0.state == .done
        }.isEmpty
    }

    /// What is wrong with how a change is noted with the records it is of.
    private func problem(of applicant: Applicant) throws -> String? {
        let table = RecordTable(db: scope.db)
        for (index, group) in applicant.change.groups.enumerated() {
            guard group.kind == .record,
                try logs.writes(of: group, by: applicant)?.isEmpty == false,
                let key = try logs.recordKey(of: group, index: index, by: applicant),
                !claims.isErased(key)
            else { continue }
            let source = RecordKey(
                lane: applicant.lane, sequence: applicant.change.sequence, group: index)
            if try table.row(key) == nil {
                // A member may name what creates no record; that has no effect anywhere.
                guard try createsRecord(key) else { continue }
                return "says something of a record that isn't here"
            }
            if try source != key && !table.isTouched(key, by: source) {
                return "isn't noted with a record that it changed"
            }
        }
        return nil
    }

    private func createsRecord(_ key: RecordKey) throws -> Bool {
        let groups = try history.storedApplicant(key.lane, key.sequence).change.groups
        return groups.indices.contains(key.group) && groups[key.group].kind == .record
            && groups[key.group].subject == .created
    }
}
