import ParleyCRDT
import ParleyModel
import ParleyStore

/// Says what a check of a casebook came to. Names changes and records by their IDs, never by what
/// they say.
struct VerifyWording {
    let casebook: String

    /// Steps that can be taken today. A log is signed and everybody's, so others have it sound; what
    /// was typed here and never sent is only in this file and its backups, so the file is kept.
    private static let replacing =
        "keep a copy of the home; then `parley sync`, so that the others hold what is sound here. After that restore the last backup with `parley restore FILE --force`; or stop the node, move this casebook's file out of the folder, and take it anew from a colleague: `parley invite` there, `parley join` here"
    private static let trustingOthers =
        "trust what a colleague's node shows of it until then, and " + replacing
    private static let checkingDisk =
        "look at the disk (`dmesg`, `smartctl -a`), and " + replacing
    private static let askingAgain =
        "`parley sync` with colleagues in reach: what can't be read is asked for again. Type `parley verify` once more then; if this is still there, "
        + checkingDisk
    private static let indexingAgain =
        "nothing is lost: the index is made anew by itself, and answers are complete from now on. Type `parley verify` once more; if this is still there, "
        + checkingDisk
    private static let destroying =
        "give this machine and its backups to nobody. Stop the node, move this casebook's file out of the folder, take the casebook anew from a colleague (`parley invite` there, `parley join` here), and destroy the file: `shred -u`"

    func file(_ damage: [String]) -> CheckResult {
        guard !damage.isEmpty else {
            return .well("file", in: casebook, "SQLite finds the file sound")
        }
        let more = damage.count > 1 ? ", and \(damage.count - 1) more" : ""
        return .wrong(
            "file", in: casebook, "the file is damaged: \(damage[0])\(more)",
            next: VerifyWording.checkingDisk)
    }

    /// The file can't be read far enough to be compared with anything.
    var unreadable: CheckResult {
        .wrong(
            "records", in: casebook, "the file can't be read through, so that nothing in it counts",
            next: VerifyWording.checkingDisk)
    }

    /// What turned up before anybody asked.
    static func trouble(_ trouble: CasebookTrouble) -> CheckResult {
        switch trouble {
        case .unopened(let casebook):
            .wrong("file", casebook.error.message, next: casebook.advice)
        case .damaged(let error): .wrong("file", error.message, next: askingAgain)
        case .failing(let error): .wrong("file", error.message, next: checkingDisk)
        case .repeated(let error):
            .wrong(
                "file", error.message,
                next:
                    "stop the node; look into each of the two alone with `parley status`, keep the one that lacks nothing, and `shred -u` the other once nothing is needed of it"
            )
        }
    }

    /// A line for each kind of check, then one for each finding.
    func results(of report: AuditReport) -> [CheckResult] {
        let summaries = Finding.Check.allCases.map { check -> CheckResult in
            let count = report.counts[check] ?? 0
            guard count > 0 else { return .well(check.name, in: casebook, extent(check, report)) }
            return .wrong(
                check.name, in: casebook,
                "\(Amount.text(count, "finding")) in \(extent(check, report))",
                next: next(about: check))
        }
        var results = summaries + report.findings.map(result)
        if report.moreFindings > 0 {
            let more = Amount.text(report.moreFindings, "more finding")
            results.append(
                .wrong(
                    "more", in: casebook, "\(more), counted above and not listed",
                    next: VerifyWording.replacing))
        }
        return results
    }

    private func extent(_ check: Finding.Check, _ report: AuditReport) -> String {
        switch check {
        case .chains:
            "\(Amount.text(report.changes, "change")) of \(Amount.text(report.logs, "log")), each after the one before"
        case .signatures: Amount.text(report.signatures, "signature")
        case .members:
            Amount.text(
                report.decisions, "decision about who belongs",
                plural: "decisions about who belongs")
        case .records:
            "\(Amount.text(report.records, "record")) and \(Amount.text(report.conflicts, "conflict")), compared with their changes"
        case .digest: "the digest of \(Amount.text(report.records, "record"))"
        case .index: "what searches and filters of \(Amount.text(report.records, "record")) rest on"
        case .erasures:
            "\(Amount.text(report.erasures, "erasure or redaction", plural: "erasures and redactions")), of which nothing may be left"
        }
    }

    private func result(_ finding: Finding) -> CheckResult {
        .wrong(
            finding.check.name, in: casebook, "\(name(of: finding.subject)) \(finding.problem)",
            next: next(about: finding.check))
    }

    private func name(of subject: Finding.Subject) -> String {
        switch subject {
        case .casebook: "the casebook"
        case .change(let origin, let sequence): "change \(origin.text):\(sequence)"
        case .record(let id): "record \(id.text)"
        }
    }

    private func next(about check: Finding.Check) -> String {
        switch check {
        case .chains, .signatures: VerifyWording.askingAgain
        case .members, .records, .digest: VerifyWording.trustingOthers
        case .index: VerifyWording.indexingAgain
        case .erasures: VerifyWording.destroying
        }
    }
}

extension Finding.Check {
    fileprivate var name: String {
        switch self {
        case .chains: "chains"
        case .signatures: "signatures"
        case .members: "members"
        case .records: "records"
        case .digest: "digest"
        case .index: "index"
        case .erasures: "erasures"
        }
    }
}
