import GRDB

/// Copying a casebook while it is in use.
extension ReadScope {
    /// Writes this moment of the casebook to a file of its own, readable by its owner only.
    ///
    /// By SQLite's online backup from a reader's snapshot: the writer goes on meanwhile, and a file
    /// that is open must not be read by anybody but SQLite. The copy isn't synced, it is meant to be
    /// read once and removed.
    ///
    /// - Throws: `full` where the disk is, and the copy is to be removed then.
    package func copy(to path: String) throws {
        let target = try Connection.openForCopying(to: path)
        do {
            try target.writeWithoutTransaction { try db.backup(to: $0) }
            try target.close()
        } catch {
            try? target.close()
            throw StoreError.translating(error)
        }
    }
}
