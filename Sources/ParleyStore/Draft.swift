import GRDB
import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyWire

/// What the store keeps in memory about a casebook, and what a transaction has changed of it.
///
/// A value, so that a failed savepoint is undone by putting the copy made before it back, and so
/// that nothing is published before its commit.
struct Draft: Sendable {
    var casebook: CasebookRow
    var lanes: LaneTable
    var types: TypeTable
    var membership: Membership
    /// Who the membership comes to; see `Transaction.settleMembers`.
    var members: [Member]
    /// Erasures and redactions applied.
    var claims: Claims
    /// Revocations that wait.
    var heldCuts = HeldCuts()
    /// Hashes of seeds that are never stored again.
    var droppedSeeds: Set<Digest>
    /// Changed by `Indexer.prepare` only.
    var indexedFields: IndexedFields

    var conflictCount: Int
    var uninterpretedCount: Int

    /// Own changes of this transaction that aren't in a batch yet.
    var tail = OwnTail()
    var changedLanes: Set<Int> = []
    var typesChanged = false
    var membershipChanged = false
    /// Records touched, for the commit notice.
    var records: [RecordID] = []
    /// Logs that turned out to have forked.
    var forks: Set<Origin> = []
    /// Conflicts open in records that had or have some, of those touched since this was emptied.
    var openConflicts: [RecordID: Int] = [:]
    /// Changes that hold something that is to be taken out at the end of this transaction, because
    /// only now it could be told what they are about; groups left out.
    var overdue: Set<RecordKey> = []
    /// Changes that couldn't be applied since the casebook was opened; groups left out.
    var setAside: Set<RecordKey> = []
    /// Whether there are any, or were when it was opened.
    var hasSetAside: Bool
    /// Whether stored runs have become other than they were: contents were taken out or put back.
    var contentsChanged = false
    /// How often contents were taken out of the file since it was opened: whenever they are, older
    /// pages with them must go.
    var removals = 0

    init(_ db: Database, casebook: CasebookRow) throws {
        self.casebook = casebook
        lanes = try LaneTable(db)
        types = try TypeTable(db)
        let log = LogReader(db)
        membership = try Membership(db, lanes: lanes, casebook: casebook.id) {
            try log.hash($0, $1)
        }
        members = try membership.members(in: HeldLogs(lanes: lanes) { try log.hash($0, $1) })
        claims = try Claims(db, lanes: lanes) { try log.hash($0, $1) }
        for lane in lanes.lanes where !lane.isComplete {
            for sequence in lane.applied.sequence + 1...lane.held.sequence {
                // What can't be read is a matter for whoever applies it.
                guard let (change, _) = try? log.change(lane.number, sequence) else { continue }
                heldCuts.note(change, lane: lane.number, members: members)
            }
        }
        droppedSeeds = try DroppedSeeds.load(db)
        indexedFields = try IndexedFields(db)
        hasSetAside = try Query(db, "SELECT 1 FROM set_aside LIMIT 1").first { _ in true } ?? false
        conflictCount = try Query(db, "SELECT count(*) FROM conflict").first { $0.int(0) } ?? 0
        uninterpretedCount =
            try Query(db, "SELECT count(*) FROM uninterpreted").first { $0.int(0) } ?? 0
    }

    /// The same knowledge with nothing changed, for the next transaction.
    var settled: Draft {
        var draft = self
        draft.heldCuts.settle(in: lanes)
        draft.changedLanes = []
        draft.typesChanged = false
        draft.membershipChanged = false
        draft.contentsChanged = false
        draft.records = []
        draft.openConflicts = [:]
        draft.forks = []
        return draft
    }

    /// The number of an origin's lane, given now if it has none. Numbers must be saved in order,
    /// so one that was given is saved even if nothing comes of it.
    mutating func lane(for origin: Origin) throws -> Int {
        if let lane = lanes[origin] { return lane.number }
        let number = try lanes.add(origin)
        changedLanes.insert(number)
        return number
    }

    var hasChanges: Bool { !changedLanes.isEmpty }

    /// Whether something is to be asked for again.
    func lacksSomething(_ db: Database) throws -> Bool {
        let query = try Query(
            db, "SELECT EXISTS (SELECT 1 FROM stub) OR EXISTS (SELECT 1 FROM damaged_run)")
        return try query.first { $0.int(0) } == 1
    }

    /// Writes what changed. The last statements of a transaction.
    func save(_ db: Database) throws {
        try casebook.save(db)
        for number in changedLanes.sorted() { try lanes[number].save(db) }
        if typesChanged { try types.save(db) }
        if membershipChanged { try Membership.save(members, db) }
    }
}

/// Own changes on their way into one batch with one signature.
struct OwnTail: Sendable {
    /// Of what the columns say, which is mostly three to five times what they take: where they take more
    /// than a batch may after all, the tail becomes several.
    private static let byteLimit = 1024 * 1024

    private(set) var changes: [Change] = []
    private(set) var hashes: [Digest] = []
    /// What the salts of each change follow from.
    private(set) var seeds: [[UInt8]] = []
    private var size = BatchSize()
    var isEmpty: Bool { changes.isEmpty }

    /// Whether another change of this size should begin a new batch.
    func isFull(for more: BatchSize) -> Bool {
        !isEmpty
            && (changes.count >= Limits.changesPerBatch
                || size.bytes + more.bytes > OwnTail.byteLimit
                || size.items + more.items > Limits.itemsPerBatch
                || size.salts + more.salts > Limits.saltsPerBatch)
    }

    mutating func append(_ change: Change, hash: Digest, seed: [UInt8], size more: BatchSize) {
        changes.append(change)
        hashes.append(hash)
        seeds.append(seed)
        size.bytes += more.bytes
        size.items += more.items
        size.salts += more.salts
    }

    /// A part of it, to be stored.
    func part(_ range: Range<Int>) -> OwnTail {
        var part = OwnTail()
        part.changes = Array(changes[range])
        part.hashes = Array(hashes[range])
        part.seeds = Array(seeds[range])
        return part
    }

    func change(_ sequence: UInt64) -> (change: Change, hash: Digest)? {
        index(of: sequence).map { (changes[$0], hashes[$0]) }
    }

    func salts(of sequence: UInt64) -> ChangeSalts? {
        index(of: sequence).map { .seed(seeds[$0]) }
    }

    private func index(of sequence: UInt64) -> Int? {
        guard let first = changes.first?.sequence, sequence >= first,
            sequence - first < UInt64(changes.count)
        else { return nil }
        return Int(sequence - first)
    }
}

/// What changes take of a batch's limits, close enough to fill batches.
struct BatchSize: Sendable {
    /// In the columns before deflate; an upper bound but for names and origins.
    var bytes = 0
    /// Groups, operations, values, dropped dots and context tips, all together.
    var items = 0
    var salts = 0
}

extension BatchSize {
    init(_ change: Change) {
        bytes = 32 + change.contextDelta.count * 64
        items = change.contextDelta.count
        for group in change.groups {
            bytes += 24
            items += 1
            salts += group.saltCount
            switch group.content {
            case .payload(let payload): bytes += payload.count
            case .stub: bytes += Digest.byteCount
            case .operations(let type, let operations):
                bytes += type?.text.utf8.count ?? 0
                for operation in operations { add(operation) }
            }
        }
    }

    private mutating func add(_ operation: Operation) {
        bytes += 8 + operation.drops.count * 64
        items += 1 + operation.drops.count + operation.values.count
        for value in operation.values { bytes += 4 + value.payload.count }
    }
}
