import GRDB
import ParleyCRDT
import ParleyLog
import ParleyWire

/// One origin's log as far as it is here, or where that log forked one branch of it.
///
/// A branch begins after the last change it shares with the lane it branched from; which of two
/// branches is the other's is the accident of which came first, and means nothing.
struct Lane: Sendable {
    /// A change's place and its full hash.
    struct Point: Hashable, Sendable {
        var sequence: UInt64
        var hash: Digest

        static let start = Point(sequence: 0, hash: .zero)

        var tip: Tip { Tip(sequence: sequence, hash: hash.prefix) }
    }

    let number: Int
    let origin: Origin
    /// The lane this one branched from, `nil` for a log's first.
    let parent: Int?
    /// The last change shared with `parent`; the start for a log's first lane.
    let fork: Point
    /// Stored and verified up to here; at least `fork`.
    var held: Point
    /// Merged into the records up to here; never above `held`, at least `fork`.
    var applied: Point
    /// What the author of the applied change had applied of other origins.
    var context = Clock()
    /// Creations up to this key are in the search index.
    var searched: Int64 = 0
    /// By how many milliseconds the newest change lay ahead of the clock here when it came in, where
    /// that is more than a clock may be wrong by; else 0.
    var lead: UInt64 = 0
    /// When that was, in milliseconds since 1970.
    var leadSeen: UInt64 = 0

    /// The entry that keeps the next change from being applied: it waits until this is covered.
    /// Only in memory, so that a long wait costs no decoding.
    var waitsFor: Dot?

    var isComplete: Bool { held.sequence == applied.sequence }

    init(number: Int, origin: Origin, parent: Int? = nil, fork: Point = .start) {
        self.number = number
        self.origin = origin
        self.parent = parent
        self.fork = fork
        held = fork
        applied = fork
    }

    /// The context is what the author had applied of *others*.
    mutating func forgetPredecessor() {
        context = Clock(sorted: context.entries.filter { $0.origin != origin })
    }

    /// Whether a change of this sequence number is in this lane rather than in one before it.
    func owns(_ sequence: UInt64) -> Bool {
        fork.sequence < sequence && sequence <= held.sequence
    }

    /// Whether the number belongs to no log now.
    var isFree: Bool { origin == Lane.freeOrigin(number) }

    /// What stands for an origin meanwhile: no node has this key.
    static func freeOrigin(_ number: Int) -> Origin {
        Origin(node: noNode, epoch: UInt64(bitPattern: Int64(number)))
    }

    private static let noNode = NodeID(bytes: [UInt8](repeating: 0, count: NodeID.byteCount))!
}

/// The lanes by number and by origin.
struct LaneTable: Sendable {
    private(set) var lanes: [Lane] = []
    /// The lanes of each log, the first one first.
    private var numbers: [Origin: [Int]] = [:]
    /// Numbers that belong to no log now.
    private var free: [Int] = []

    init(_ db: Database) throws {
        lanes = try Query(
            db,
            """
            SELECT number, node, epoch, held, held_hash, applied, applied_hash, context,
                searched, lead, lead_seen, parent, fork, fork_hash FROM lane ORDER BY number
            """
        ).all { try Lane($0) }
        for (index, lane) in lanes.enumerated() {
            guard lane.number == index + 1 else { throw StoreError.damaged("lane numbers") }
            if lane.isFree {
                free.append(lane.number)
            } else {
                numbers[lane.origin, default: []].append(lane.number)
            }
        }
        for lane in lanes where !isSound(lane) { throw StoreError.damaged("a lane") }
    }

    /// Whether a lane's numbers are such that following and adding them comes to an end.
    private func isSound(_ lane: Lane) -> Bool {
        guard lane.fork.sequence <= lane.applied.sequence,
            lane.applied.sequence <= lane.held.sequence,
            lane.held.sequence <= RecordKey.maximumSequence, (0..<Int64.max).contains(lane.searched)
        else { return false }
        var (parent, steps) = (lane.parent, 0)
        while let number = parent {
            guard lanes.indices.contains(number - 1), self[number].origin == lane.origin,
                steps < lanes.count
            else { return false }
            (parent, steps) = (self[number].parent, steps + 1)
        }
        return true
    }

    /// A number that no lane has, as only a damaged row names it, is that of an empty one.
    subscript(number: Int) -> Lane {
        get {
            lanes.indices.contains(number - 1)
                ? lanes[number - 1] : Lane(number: number, origin: Lane.freeOrigin(number))
        }
        set { lanes[number - 1] = newValue }
    }

    /// A log's first lane, which of a log without forks is all of it.
    subscript(origin: Origin) -> Lane? {
        numbers[origin].map { self[$0[0]] }
    }

    /// All lanes of a log, one before those that branched from it.
    func branches(of origin: Origin) -> [Lane] {
        (numbers[origin] ?? []).map { self[$0] }
    }

    func hasForked(_ origin: Origin) -> Bool { (numbers[origin]?.count ?? 0) > 1 }

    /// The logs of which there are several branches, sorted.
    var forked: [Origin] { numbers.filter { $0.value.count > 1 }.keys.sorted() }

    func knows(_ origin: Origin) -> Bool { numbers[origin] != nil }

    func origin(of number: Int) throws -> Origin {
        guard lanes.indices.contains(number - 1) else {
            throw StoreError.damaged("a lane number")
        }
        return self[number].origin
    }

    /// Gives an origin a number, once and for good.
    ///
    /// - Throws: `tooManyLogs` beyond 32,767 origins.
    mutating func add(_ origin: Origin) throws -> Int {
        if let number = numbers[origin]?.first { return number }
        return try add { Lane(number: $0, origin: origin) }
    }

    /// Begins a branch of a log.
    ///
    /// - Parameters:
    ///   - parent: the lane that owns the last shared change, or the first lane where nothing is
    ///     shared.
    ///   - fork: that change.
    /// - Throws: `tooManyLogs`.
    mutating func addBranch(of parent: Int, after fork: Lane.Point) throws -> Int {
        let origin = self[parent].origin
        return try add { Lane(number: $0, origin: origin, parent: parent, fork: fork) }
    }

    private mutating func add(_ make: (Int) -> Lane) throws -> Int {
        let number = free.popLast() ?? lanes.count + 1
        guard number <= RecordKey.maximumLane else { throw StoreError.tooManyLogs }
        let lane = make(number)
        if number > lanes.count { lanes.append(lane) } else { self[number] = lane }
        numbers[lane.origin, default: []].append(number)
        return number
    }

    /// Gives a number back of which nothing was ever applied.
    mutating func release(_ number: Int) {
        let lane = self[number]
        precondition(lane.applied == lane.fork, "what was applied is referred to")
        let rest = (numbers[lane.origin] ?? []).filter { $0 != number }
        numbers[lane.origin] = rest.isEmpty ? nil : rest
        self[number] = Lane(number: number, origin: Lane.freeOrigin(number))
        free.append(number)
    }

    /// Logs whose first change can't be judged yet.
    var waitingCount: Int {
        lanes.count { $0.parent == nil && $0.applied.sequence == 0 && $0.held.sequence > 0 }
    }

    var heldClock: Clock { clock { $0.held } }
    var appliedClock: Clock { clock { $0.applied } }

    private func clock(_ point: (Lane) -> Lane.Point) -> Clock {
        Clock(
            sorted: numbers.compactMap { origin, numbers in
                let tips = tips(of: numbers, point)
                return tips.isEmpty ? nil : Clock.Entry(origin: origin, tips: tips)
            }.sorted { $0.origin < $1.origin })
    }

    /// The ends of a log's branches, as far as one isn't an ancestor of another.
    private func tips(of numbers: [Int], _ point: (Lane) -> Lane.Point) -> [Tip] {
        let begun = numbers.map { self[$0] }.filter { point($0).sequence > $0.fork.sequence }
        return begun.filter { lane in
            !begun.contains {
                $0.parent == lane.number && point(lane).sequence <= $0.fork.sequence
            }
        }.map { point($0).tip }
    }
}

extension Lane {
    fileprivate init(_ row: Query) throws {
        let parent = row.int(11)
        self.init(
            number: row.int(0),
            origin: Origin(node: try NodeID(stored: row.bytes(1)), epoch: row.word(2)),
            parent: parent == 0 ? nil : parent,
            fork: Point(sequence: row.word(12), hash: try Digest(stored: row.bytes(13))))
        held = Point(sequence: row.word(3), hash: try Digest(stored: row.bytes(4)))
        applied = Point(sequence: row.word(5), hash: try Digest(stored: row.bytes(6)))
        context = try Clock(stored: row.bytes(7))
        searched = row.int64(8)
        lead = row.word(9)
        leadSeen = row.word(10)
    }

    func save(_ db: Database) throws {
        let query = try Query(
            db,
            """
            INSERT INTO lane (number, node, epoch, held, held_hash, applied, applied_hash, context,
                searched, lead, lead_seen, parent, fork, fork_hash)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            ON CONFLICT (number) DO UPDATE SET node = ?2, epoch = ?3, held = ?4, held_hash = ?5, applied = ?6,
                applied_hash = ?7, context = ?8, searched = ?9, lead = ?10, lead_seen = ?11,
                parent = ?12, fork = ?13, fork_hash = ?14
            """)
        query.bind(1, number)
        query.bind(2, blob: origin.node.bytes)
        query.bind(3, origin.epoch)
        query.bind(4, held.sequence)
        query.bind(5, blob: held.hash.bytes)
        query.bind(6, applied.sequence)
        query.bind(7, blob: applied.hash.bytes)
        query.bind(8, blob: context.stored)
        query.bind(9, searched)
        query.bind(10, lead)
        query.bind(11, leadSeen)
        query.bind(12, parent ?? 0)
        query.bind(13, fork.sequence)
        query.bind(14, blob: fork.hash.bytes)
        try query.run()
    }
}

extension NodeID {
    init(stored bytes: [UInt8]) throws {
        guard let node = NodeID(bytes: bytes) else { throw StoreError.damaged("a node") }
        self = node
    }
}

extension Digest {
    init(stored bytes: [UInt8]) throws {
        guard let digest = Digest(bytes: bytes) else { throw StoreError.damaged("a hash") }
        self = digest
    }
}

extension Clock {
    /// The entries as in a clock message, the count first, however many there are.
    var stored: [UInt8] {
        var writer = ByteWriter()
        writer.clockEntries(entries)
        return writer.bytes
    }

    init(stored bytes: [UInt8]) throws {
        do {
            var reader = ByteReader(bytes)
            self.init(sorted: try reader.clockEntries(limit: .max))
        } catch {
            throw StoreError.damaged("a clock")
        }
    }
}
