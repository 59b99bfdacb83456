import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel

/// What the store keeps in memory about a casebook, and what a transaction has changed of it.
///
/// A value, so that a failed savepoint is undone by putting the copy made before it back, and so
/// that nothing is published before its commit.
struct Draft: Sendable {
    var casebook: CasebookRow
    var lanes: LaneTable
    var types: TypeTable
    var membership: Membership

    var conflictCount: Int
    var uninterpretedCount: Int

    /// Own changes of this transaction that aren't in a batch yet.
    var tail = OwnTail()
    var changedLanes: Set<Int> = []
    var typesChanged = false
    var membershipChanged = false
    /// Records touched, for the commit notice.
    var records: [RecordID] = []
    /// Whether anything came in from others.
    var received = false

    init(_ db: Database, casebook: CasebookRow) throws {
        self.casebook = casebook
        lanes = try LaneTable(db)
        types = try TypeTable(db)
        let log = LogReader(db)
        membership = try Membership(db, lanes: lanes) { try log.hash($0, $1) }
        conflictCount = try Query(db, "SELECT count(*) FROM conflict").first { $0.int(0) } ?? 0
        uninterpretedCount =
            try Query(db, "SELECT count(*) FROM uninterpreted").first { $0.int(0) } ?? 0
    }

    /// The same knowledge with nothing changed, for the next transaction.
    var settled: Draft {
        var draft = self
        draft.changedLanes = []
        draft.typesChanged = false
        draft.membershipChanged = false
        draft.records = []
        draft.received = false
        return draft
    }

    var hasChanges: Bool { !changedLanes.isEmpty }

    /// Writes what changed. The last statements of a transaction.
    func save(_ db: Database) throws {
        try casebook.save(db)
        for number in changedLanes.sorted() { try lanes[number].save(db) }
        if typesChanged { try types.save(db) }
        if membershipChanged { try membership.saveMembers(db) }
    }
}

/// Own changes on their way into one batch with one signature.
struct OwnTail: Sendable {
    /// Well below the limit of a batch's columns, which are smaller than what they say.
    private static let byteLimit = 192 * 1024

    private(set) var changes: [Change] = []
    private(set) var hashes: [Digest] = []
    private(set) var byteCount = 0
    var isEmpty: Bool { changes.isEmpty }

    /// Whether another change of this size should begin a new batch.
    func isFull(for size: Int) -> Bool {
        !isEmpty
            && (changes.count >= CasebookRow.seedUseLimit || byteCount + size > OwnTail.byteLimit)
    }

    mutating func append(_ change: Change, hash: Digest, size: Int) {
        changes.append(change)
        hashes.append(hash)
        byteCount += size
    }

    func change(_ sequence: UInt64) -> (change: Change, hash: Digest)? {
        guard let first = changes.first?.sequence, sequence >= first,
            sequence - first < UInt64(changes.count)
        else { return nil }
        let index = Int(sequence - first)
        return (changes[index], hashes[index])
    }
}
