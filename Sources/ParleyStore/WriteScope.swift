import GRDB
import ParleyCRDT
import ParleyLog
package import ParleyModel

/// What can be read and written inside the writing transaction.
///
/// Reads see everything written so far in the same transaction. Nothing is durable, and nothing may
/// be told to anybody, before `CasebookStore.write` returns.
package final class WriteScope: ReadScope {
    let transaction: Transaction

    init(_ transaction: Transaction) {
        self.transaction = transaction
        super.init(transaction.db, log: transaction.log)
    }

    override func lanes() throws -> LaneTable { transaction.draft.lanes }
    override func types() throws -> TypeTable { transaction.draft.types }
    override func casebook() throws -> CasebookRow { transaction.draft.casebook }
    override func membership() throws -> Membership { transaction.draft.membership }
    override func claims() throws -> Claims { transaction.draft.claims }
    override func isHiding() throws -> Bool { transaction.isHiding }
    override func settleLog() throws { try transaction.flushTail() }

    override func hash(_ lane: Int, _ sequence: UInt64) throws -> Digest? {
        try transaction.hash(lane, sequence)
    }

    /// Writes one change of this node.
    ///
    /// Its context is all that is applied here now, and its time follows everything seen.
    ///
    /// - Returns: its dot, and for each group the record it creates or edits.
    /// - Throws: `notPermitted` where this node's role doesn't allow it, `unknownRecord`,
    ///   `tooLarge`; nothing of it is written then. What the format forbids beyond that shows at
    ///   the end, and fails the whole write.
    package func append(_ groups: [Group]) throws -> Appended {
        try transaction.append(groups)
    }

    /// Runs `body` so that its failure undoes only what it did, for many changes in one write.
    package func attempt<Value>(_ body: (WriteScope) throws -> Value) throws -> Value {
        try transaction.savepoint { try body(self) }
    }

    /// The wall clock the store was given, in milliseconds since 1970.
    var wallMilliseconds: UInt64 { transaction.environment.wallMilliseconds() }
}
