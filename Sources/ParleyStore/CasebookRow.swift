import GRDB
import ParleyCRDT
import ParleyLog

/// The one row of what concerns the casebook as a whole.
struct CasebookRow: Sendable {
    /// Zero only while the founding change is being made.
    var id: Digest
    let node: NodeID
    var epoch: UInt64
    var generation: [UInt8]
    var name = ""
    var schema = ""
    var schemaVersion: UInt64 = 0
    var clock = HybridClock()
    var digest = DigestSum()
    var arrivals = 0
    var seed: [UInt8]
    var seedUses = 0
    /// How the words and values in the index were made; see `Indexer.format`.
    var indexFormat = 0

    /// Records per value of the `generation` column.
    static let generationSize = 65_536
    /// Changes per seed of salts.
    static let seedUseLimit = 1024

    var origin: Origin { Origin(node: node, epoch: epoch) }

    /// A row for a file that has none: a fresh epoch, generation and seed.
    init(id: Digest, node: NodeID, environment: StoreEnvironment) {
        self.id = id
        self.node = node
        epoch = environment.randomWord()
        generation = environment.randomBytes(16)
        seed = environment.randomBytes(16)
    }

    /// Begins a new log, because this store may have lost memory of what it wrote.
    mutating func rotateEpoch(_ environment: StoreEnvironment) {
        epoch = environment.randomWord()
        generation = environment.randomBytes(16)
        renewSeed(environment)
    }

    mutating func renewSeed(_ environment: StoreEnvironment) {
        seed = environment.randomBytes(16)
        seedUses = 0
    }

    /// - Returns: `nil` where the file holds no casebook yet.
    static func load(_ db: Database) throws -> CasebookRow? {
        try Query(
            db,
            """
            SELECT id, node, epoch, generation, name, schema, schema_version, clock, digest,
                arrivals, seed, seed_uses, index_format FROM casebook
            """
        ).first { try CasebookRow($0) }
    }

    private init(_ row: Query) throws {
        id = try Digest(stored: row.bytes(0))
        node = try NodeID(stored: row.bytes(1))
        epoch = row.word(2)
        generation = row.bytes(3)
        name = row.text(4)
        schema = row.text(5)
        schemaVersion = row.word(6)
        clock = HybridClock(mark: HybridTime(rawValue: row.word(7)))
        digest = DigestSum(try Digest(stored: row.bytes(8)))
        arrivals = row.int(9)
        seed = row.bytes(10)
        seedUses = row.int(11)
        guard (0..<1 << 48).contains(arrivals), (0...CasebookRow.seedUseLimit).contains(seedUses)
        else { throw StoreError.damaged("the casebook's row") }
        indexFormat = row.int(12)
    }

    func save(_ db: Database) throws {
        let query = try Query(
            db,
            """
            INSERT INTO casebook (one, id, node, epoch, generation, name, schema, schema_version,
                clock, digest, arrivals, seed, seed_uses, index_format)
            VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            ON CONFLICT (one) DO UPDATE SET epoch = ?3, generation = ?4, name = ?5, schema = ?6,
                schema_version = ?7, clock = ?8, digest = ?9, arrivals = ?10, seed = ?11,
                seed_uses = ?12, index_format = ?13
            """)
        query.bind(1, blob: id.bytes)
        query.bind(2, blob: node.bytes)
        query.bind(3, epoch)
        query.bind(4, blob: generation)
        query.bind(5, text: name)
        query.bind(6, text: schema)
        query.bind(7, schemaVersion)
        query.bind(8, clock.mark.rawValue)
        query.bind(9, blob: digest.value.bytes)
        query.bind(10, arrivals)
        query.bind(11, blob: seed)
        query.bind(12, seedUses)
        query.bind(13, indexFormat)
        try query.run()
    }
}
