import GRDB
import GRDBSQLite
package import ParleyCRDT
import ParleyLog

/// A change that can't be applied though its causes are here: something that it needs is damaged, or
/// this program has a fault. It waits, and its log behind it; everybody else's goes on.
///
/// Whether it still can't is found out anew each time the casebook is opened.
extension Transaction {
    /// Applies a change, or sets it aside where that fails.
    ///
    /// - Returns: what `body` does; `false` where the change was set aside.
    func applyOrSetAside(_ key: RecordKey, _ body: () throws -> Bool) throws -> Bool {
        do {
            return try savepoint { try body() }
        } catch {
            guard StoreError.translating(error).mayBeAboutOneChange else { throw error }
        }
        let query = try Query(
            db, "INSERT OR IGNORE INTO set_aside (lane, sequence) VALUES (?1, ?2)")
        query.bind(1, key.lane)
        query.bind(2, key.sequence)
        try query.run()
        draft.setAside.insert(key)
        draft.hasSetAside = true
        return false
    }

    /// A change that was set aside once has been applied.
    func noteApplied(_ key: RecordKey) throws {
        guard draft.hasSetAside else { return }
        draft.setAside.remove(key)
        let query = try Query(db, "DELETE FROM set_aside WHERE lane = ?1 AND sequence = ?2")
        query.bind(1, key.lane)
        query.bind(2, key.sequence)
        try query.run()
    }
}

extension ReadScope {
    /// Changes that couldn't be applied.
    package func setAsideChanges() throws -> [ChangeRange] {
        let lanes = try lanes()
        return try Query(db, "SELECT lane, sequence FROM set_aside ORDER BY lane, sequence").all {
            ChangeRange(
                origin: try lanes.origin(of: $0.int(0)), sequences: $0.word(1)...$0.word(1))
        }
    }
}

extension Error {
    /// Whether leaving out one change may let others in: not where the disk or the file as a whole
    /// fails, nor where a batch isn't to be taken in at all.
    var mayBeAboutOneChange: Bool {
        guard let error = self as? StoreError else { return true }
        switch error {
        case .damaged, .unknownRecord, .tooLarge: return true
        case .database(let code, _): return code & 0xff == SQLITE_CONSTRAINT
        default: return false
        }
    }
}
