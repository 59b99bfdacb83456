import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyModel
import ParleyStore

/// Checks casebooks down to the last byte, one after the other.
struct Verification {
    let progress: VerifyProgress
    /// Called with a casebook of which runs turned out not to be readable.
    let foundDamage: (CasebookStore) -> Void

    /// - Parameter name: what people call the casebook.
    func results(of store: CasebookStore, name: String) async throws -> [CheckResult] {
        let wording = VerifyWording(casebook: name)
        let damage: [String]
        do {
            damage = try await store.damage(by: .indexes)
        } catch StoreError.closed {
            throw StoreError.closed
        } catch {
            damage = ["it can't be read through"]
        }
        do {
            let report = try await store.audit(progress.next())
            if try await store.noteDamaged(report) { foundDamage(store) }
            if report.counts[.index] != nil { try? await store.forgetIndex() }
            return [wording.file(damage)] + wording.results(of: report)
        } catch StoreError.closed {
            throw StoreError.closed
        } catch {
            return [wording.file(damage), wording.unreadable]
        }
    }
}

/// How far a verification has come, over all casebooks so far.
final class VerifyProgress: Sendable {
    private let audits = NIOLockedValueBox<[AuditProgress]>([])

    /// Forgets what was counted before.
    func begin() { audits.withLockedValue { $0 = [] } }

    func next() -> AuditProgress {
        let audit = AuditProgress()
        audits.withLockedValue { $0.append(audit) }
        return audit
    }

    /// `{"done","total"}`, in steps that mean nothing by themselves.
    var json: JSONValue {
        let audits = audits.withLockedValue { $0 }
        return .object([
            ("done", .integer(audits.reduce(0) { $0 + $1.done })),
            ("total", .integer(audits.reduce(0) { $0 + $1.total })),
        ])
    }
}
