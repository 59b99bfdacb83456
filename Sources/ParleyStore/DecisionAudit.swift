import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// Checks what is noted of who belongs and of what is erased against the changes that decided it.
///
/// Everything else is judged by these notes, so that a lost one would make other things look wrong
/// that aren't, or right that aren't.
struct DecisionAudit {
    private let logs: HeldLogs
    private let casebook: Digest
    /// What is noted and no change was found for yet.
    private var admissions: [Membership.Key: Membership.Admitted]
    private var cuts: [Membership.Key: Membership.CutMade]
    private var claims: [RecordKey: Claim]

    init(_ membership: Membership, _ claims: Claims, logs: HeldLogs, casebook: Digest) {
        self.logs = logs
        self.casebook = casebook
        admissions = Dictionary(
            membership.admissions.values.joined().map { ($0.decision.key, $0) },
            uniquingKeysWith: { first, _ in first })
        cuts = Dictionary(
            membership.cuts.values.joined().map { ($0.decision.key, $0) },
            uniquingKeysWith: { first, _ in first })
        self.claims = claims.all
    }

    var count: Int { admissions.count + cuts.count }

    /// Looks at a change that its author was permitted.
    mutating func check(_ applicant: Applicant, _ report: inout AuditReport) throws {
        for (index, group) in applicant.change.groups.enumerated() {
            switch group.kind {
            case .founding, .admission:
                let made = Membership.Admitted(group, index, by: applicant, of: casebook)
                let noted = admissions.removeValue(forKey: applicant.key(index))
                if made != noted { add(.members, "decides who belongs", applicant, &report) }
            case .cut:
                let made = Membership.CutMade(group, index, by: applicant)
                let noted = cuts.removeValue(forKey: applicant.key(index))
                if made != noted { add(.members, "cuts a member off", applicant, &report) }
            case .erasure, .redaction:
                let source = RecordKey(
                    lane: applicant.lane, sequence: applicant.change.sequence, group: index)
                let noted = claims.removeValue(forKey: source)
                let made = try group.claimed.flatMap {
                    try logs.recordKey($0.record, index: index, by: applicant)
                }
                if made != noted?.record || group.claimed?.field != noted?.field {
                    add(.erasures, "takes something back", applicant, &report)
                }
            default: break
            }
        }
    }

    private func add(
        _ check: Finding.Check, _ what: String, _ applicant: Applicant,
        _ report: inout AuditReport
    ) {
        report.add(
            Finding(
                check: check, subject: .change(applicant.change.origin, applicant.change.sequence),
                problem: "\(what), and isn't noted as it says"))
    }

    /// What is left is noted of no change.
    func finish(_ report: inout AuditReport) {
        if count > 0 {
            report.add(
                Finding(
                    check: .members, subject: .casebook,
                    problem: "notes \(count) decisions about who belongs that no change makes"))
        }
        if !claims.isEmpty {
            report.add(
                Finding(
                    check: .erasures, subject: .casebook,
                    problem: "notes \(claims.count) erasures that no change asks for"))
        }
    }
}

extension Applicant {
    fileprivate func key(_ part: Int) -> Membership.Key {
        Membership.Key(dot: dot, part: part)
    }
}

extension Group {
    /// What an erasure or a redaction takes back.
    var claimed: (record: RecordReference, field: FieldName?, basis: String)? {
        guard case .payload(let bytes) = content else { return nil }
        switch kind {
        case .erasure:
            return (try? Erasure(bytes: bytes)).map { ($0.record, nil, $0.basis) }
        case .redaction:
            return (try? Redaction(bytes: bytes)).map { ($0.record, $0.field, $0.basis) }
        default: return nil
        }
    }
}
