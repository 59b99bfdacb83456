import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

extension CasebookStore {
    /// Whether something was taken out of the tables whose pages may still be in the write-ahead
    /// log.
    package var hasUnfinishedErasures: Bool {
        !writer.published.draft.claims.claims(in: .rewritten).isEmpty
    }

    /// Makes the last bytes of what was erased go, and says so to the others.
    ///
    /// The tables were rewritten in the transaction that applied the erasure, and SQLite zeroes
    /// what it frees; older pages are in the write-ahead log until that is copied back and cut off,
    /// which has to wait for readers of older snapshots.
    ///
    /// On a full disk it can't be copied back. The erasure is committed all the same, so that is a
    /// reason to wait and not a failure.
    ///
    /// - Returns: whether nothing is left to do; else to be called again a little later.
    package func finishErasures() async throws -> Bool {
        guard hasUnfinishedErasures else { return true }
        do {
            if let cut = try await cutErased() { try await confirmErased(since: cut) }
        } catch StoreError.full {
            return false
        }
        return !hasUnfinishedErasures
    }

    /// Which state of the file was cut off from what was before it.
    package struct ErasureCut: Sendable {
        fileprivate let removals: Int
    }

    /// Cuts the write-ahead log off.
    ///
    /// - Returns: `nil` where somebody still reads an older state.
    package func cutErased() async throws -> ErasureCut? {
        // Looked at before: what is taken out meanwhile may be behind the cut.
        let removals = writer.published.draft.removals
        #if DEBUG
            if PlantedDefect.receiptBeforeCut.isPlanted { return ErasureCut(removals: removals) }
        #endif
        return try await writer.cutJournal() ? ErasureCut(removals: removals) : nil
    }

    /// Says that nothing is left of what was erased, unless something was taken out since the cut.
    package func confirmErased(since cut: ErasureCut) async throws {
        try await writer.perform { transaction in
            guard transaction.draft.removals == cut.removals else { return }
            try transaction.finishClaims()
        }
    }
}

extension Transaction {
    func confirmClaims(_ isMeant: (Claim) -> Bool) throws -> Int {
        let claims = draft.claims.claims(in: .unconfirmed).filter(isMeant)
        for var claim in claims {
            claim.state = .due
            try claim.save(db)
            draft.claims.set(claim)
        }
        return claims.count
    }

    /// Whether this node has said so before.
    private func hasReceipt(for dot: Dot) throws -> Bool {
        let query = try Query(
            db, "SELECT 1 FROM receipt WHERE lane = ?1 AND sequence = ?2 AND node = ?3")
        query.bind(1, try logs.number(of: dot))
        query.bind(2, dot.sequence)
        query.bind(3, blob: identity.node.bytes)
        return try query.first { _ in true } ?? false
    }

    /// Some 60 bytes each: far below the size of a change.
    private static let receiptsPerChange = 512

    /// Notes that nothing is left of what was taken out, and writes receipts where this node may.
    func finishClaims() throws {
        let finished = draft.claims.claims(in: .rewritten)
        for var claim in finished {
            claim.state = .done
            try claim.save(db)
            draft.claims.set(claim)
        }
        let sources = try Set(finished.map(\.dot)).filter { dot in
            try !draft.claims.all.values.contains { $0.dot == dot && $0.state != .done }
                && !hasReceipt(for: dot)
        }
        let context = draft.lanes.appliedClock
        let receipts = try sources.sorted().map { dot in
            let reference = try logs.reference(to: dot, in: context)
            return Group(
                kind: .receipt, subject: .casebook,
                content: .payload(Receipt(erasure: reference).encoded))
        }
        do {
            try savepoint {
                var rest = receipts[...]
                while !rest.isEmpty {
                    _ = try append(Array(rest.prefix(Transaction.receiptsPerChange)))
                    rest = rest.dropFirst(Transaction.receiptsPerChange)
                }
            }
        } catch StoreError.notPermitted {
            // Who was cut off erases all the same, and nobody waits to hear of it.
        }
    }
}
