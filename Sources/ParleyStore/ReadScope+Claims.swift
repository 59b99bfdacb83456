import GRDB
package import ParleyCRDT
import ParleyLog
package import ParleyModel
import ParleyWire

/// An erasure of a record or a redaction of one of its fields, and how far it has come.
package struct TakingBack: Hashable, Sendable {
    package enum Progress: Hashable, Sendable {
        /// Hidden here; the contents stay until a person confirms.
        case unconfirmed
        /// Hidden here; contents are still on the disk.
        case underWay
        /// Nothing is left of them here.
        case done
    }

    /// The change that asked for it.
    package let source: Dot
    package let record: RecordID
    /// `nil` for the whole record.
    package let field: FieldName?
    /// In the words of whoever asked for it.
    package let basis: String
    package let time: HybridTime
    package let progress: Progress
    /// Who has said that nothing is left of it there, and when.
    package let receipts: [NodeID: HybridTime]

    package var author: NodeID { source.origin.node }
}

extension ReadScope {
    /// All of them, newest first.
    package func takingsBack() throws -> [TakingBack] {
        let receipts = try receipts()
        return try claims().all.values.map { takingBack($0, receipts) }
            .sorted { ($0.time, $0.source) > ($1.time, $1.source) }
    }

    /// Whether a record is erased, as far as is known here.
    package func erasure(of record: RecordID) throws -> TakingBack? {
        try claims().all.values.filter { $0.id == record && $0.field == nil }
            .min { ($0.time, $0.dot) < ($1.time, $1.dot) }
            .map { try takingBack($0, receipts()) }
    }

    /// Records whose ID begins with these digits and that are erased, sorted.
    package func erasedRecords(withPrefix digits: String) throws -> [RecordID] {
        let digits = digits.lowercased()
        let erased = try claims().all.values.filter { $0.field == nil }.map(\.id)
        return Set(erased.filter { $0.text.hasPrefix(digits) }).sorted()
    }

    private func takingBack(
        _ claim: Claim, _ receipts: [RecordKey: [NodeID: HybridTime]]
    ) -> TakingBack {
        let change = RecordKey(lane: claim.source.lane, sequence: claim.source.sequence)
        return TakingBack(
            source: claim.dot, record: claim.id, field: claim.field, basis: claim.basis,
            time: claim.time, progress: claim.state.progress, receipts: receipts[change] ?? [:])
    }

    private func receipts() throws -> [RecordKey: [NodeID: HybridTime]] {
        var receipts: [RecordKey: [NodeID: HybridTime]] = [:]
        try Query(db, "SELECT lane, sequence, node, time FROM receipt").each { row in
            let change = try RecordKey(row, at: 0)
            receipts[change, default: [:]][try NodeID(stored: row.bytes(2))] =
                HybridTime(rawValue: row.word(3))
            return true
        }
        return receipts
    }
}

extension Claim.State {
    fileprivate var progress: TakingBack.Progress {
        switch self {
        case .unconfirmed: .unconfirmed
        case .due, .rewritten: .underWay
        case .done: .done
        }
    }
}

extension WriteScope {
    /// Asks every node to erase a record, for ever.
    ///
    /// - Throws: `unknownRecord`, `notPermitted`.
    @discardableResult
    package func erase(_ id: RecordID, basis: String) throws -> Appended {
        let erasure = Erasure(record: try anyReference(to: id), basis: basis)
        return try append([
            Group(kind: .erasure, subject: .casebook, content: .payload(erasure.encoded))
        ])
    }

    /// Asks every node to take out what a sensitive field of a record says and ever said.
    ///
    /// - Throws: `unknownRecord`, `notPermitted`.
    @discardableResult
    package func redact(_ id: RecordID, _ field: FieldName, basis: String) throws -> Appended {
        let redaction = Redaction(record: try anyReference(to: id), field: field, basis: basis)
        return try append([
            Group(kind: .redaction, subject: .casebook, content: .payload(redaction.encoded))
        ])
    }

    /// Lets contents go that wait for a person's word.
    ///
    /// - Parameter records: `nil` for all.
    /// - Returns: how many erasures and redactions were confirmed.
    package func confirmErasures(of records: Set<RecordID>? = nil) throws -> Int {
        try transaction.confirmClaims { records?.contains($0.id) ?? true }
    }
}
