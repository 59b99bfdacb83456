import GRDB
import ParleyCRDT
import ParleyLog
import ParleyWire

/// One origin's log as far as it is here.
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
    /// Stored and verified up to here.
    var held = Point.start
    /// Merged into the records up to here; never above `held`.
    var applied = Point.start
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

    /// Whether the number belongs to no log now.
    var isFree: Bool { origin == Lane.freeOrigin(number) }

    /// What stands for an origin meanwhile: no node has this key.
    static func freeOrigin(_ number: Int) -> Origin {
        Origin(node: noNode, epoch: UInt64(number))
    }

    private static let noNode = NodeID(bytes: [UInt8](repeating: 0, count: NodeID.byteCount))!
}

/// The lanes by number and by origin.
struct LaneTable: Sendable {
    private(set) var lanes: [Lane] = []
    private var numbers: [Origin: Int] = [:]
    /// Numbers that belong to no log now.
    private var free: [Int] = []

    init(_ db: Database) throws {
        lanes = try Query(
            db,
            """
            SELECT number, node, epoch, held, held_hash, applied, applied_hash, context,
                searched, lead, lead_seen FROM lane ORDER BY number
            """
        ).all { try Lane($0) }
        for (index, lane) in lanes.enumerated() {
            guard lane.number == index + 1 else { throw StoreError.damaged("lane numbers") }
            if lane.isFree { free.append(lane.number) } else { numbers[lane.origin] = lane.number }
        }
    }

    subscript(number: Int) -> Lane {
        get { lanes[number - 1] }
        set { lanes[number - 1] = newValue }
    }

    subscript(origin: Origin) -> Lane? {
        numbers[origin].map { self[$0] }
    }

    func knows(_ origin: Origin) -> Bool { numbers[origin] != nil }

    /// The number of an origin that is known to be here.
    func number(of origin: Origin) -> Int {
        guard let number = numbers[origin] else {
            preconditionFailure("only dots of applied changes are stored")
        }
        return number
    }

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
        if let number = numbers[origin] { return number }
        let number = free.popLast() ?? lanes.count + 1
        guard number <= RecordKey.maximumLane else { throw StoreError.tooManyLogs }
        if number > lanes.count { lanes.append(Lane(number: number, origin: origin)) }
        self[number] = Lane(number: number, origin: origin)
        numbers[origin] = number
        return number
    }

    /// Gives a number back of which nothing was ever applied.
    mutating func release(_ number: Int) {
        precondition(self[number].applied.sequence == 0, "what was applied is referred to")
        numbers[self[number].origin] = nil
        self[number] = Lane(number: number, origin: Lane.freeOrigin(number))
        free.append(number)
    }

    /// Logs whose first change can't be judged yet.
    var waitingCount: Int {
        lanes.count { $0.applied.sequence == 0 && $0.held.sequence > 0 }
    }

    var heldClock: Clock { clock { $0.held } }
    var appliedClock: Clock { clock { $0.applied } }

    private func clock(_ point: (Lane) -> Lane.Point) -> Clock {
        Clock(
            sorted: lanes.filter { point($0).sequence > 0 }
                .map { Clock.Entry(origin: $0.origin, tip: point($0).tip) }
                .sorted { $0.origin < $1.origin })
    }
}

extension Lane {
    fileprivate init(_ row: Query) throws {
        number = row.int(0)
        origin = Origin(node: try NodeID(stored: row.bytes(1)), epoch: row.word(2))
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
                searched, lead, lead_seen)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            ON CONFLICT (number) DO UPDATE SET node = ?2, epoch = ?3, held = ?4, held_hash = ?5, applied = ?6,
                applied_hash = ?7, context = ?8, searched = ?9, lead = ?10, lead_seen = ?11
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
