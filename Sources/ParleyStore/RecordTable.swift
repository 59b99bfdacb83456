import GRDB
import ParleyCRDT
import ParleyModel

/// One row of the record table as it is stored.
struct RecordRow {
    let key: RecordKey
    let id: RecordID
    let type: Int
    let time: HybridTime
    var listing: RecordContent.Listing
    /// The newest change, its group left out.
    var changed: RecordKey
    var changedTime: HybridTime
    var document: [UInt8]
    var side: [UInt8]?

    static let columns = "n, id, type, time, state, changed, changed_time, doc, side"

    init(
        key: RecordKey, id: RecordID, type: Int, time: HybridTime, listing: RecordContent.Listing,
        document: [UInt8], side: [UInt8]?
    ) {
        self.key = key
        self.id = id
        self.type = type
        self.time = time
        self.listing = listing
        changed = RecordKey(lane: key.lane, sequence: key.sequence)
        changedTime = time
        self.document = document
        self.side = side
    }

    /// Reads the columns named in `columns`.
    init(_ row: Query) throws {
        key = RecordKey(packed: row.int64(0))
        guard let id = RecordID(bytes: row.bytes(1)),
            let listing = RecordContent.Listing(rawValue: row.int(4))
        else { throw StoreError.damaged("a record row") }
        self.id = id
        type = row.int(2)
        time = HybridTime(rawValue: row.word(3))
        self.listing = listing
        changed = RecordKey(packed: row.int64(5))
        changedTime = HybridTime(rawValue: row.word(6))
        document = row.bytes(7)
        side = row.isNull(8) ? nil : row.bytes(8)
    }

    /// The merged state.
    func content(logs: HeldLogs, types: TypeTable) throws -> RecordContent {
        guard let creationHash = try logs.hash(of: key.sequence, in: key.lane) else {
            throw StoreError.damaged("the log of a record")
        }
        let creation = Dot(
            origin: try logs.lanes.origin(of: key.lane), sequence: key.sequence,
            hash: creationHash.prefix)
        let document = try Document(json: document)
        var content = RecordContent(
            id: id, type: try types.name(of: type), state: RecordState(), creation: creation,
            creationTime: time, times: [:])
        if let side {
            (content.state, content.times) = try SideBlob(logs: logs).decode(
                side, document: document)
        } else {
            content.state = RecordState(asCreated: document, by: creation)
        }
        return content
    }
}

extension RecordState {
    /// The state of a record in which every dot is the creation's.
    init(asCreated document: Document, by dot: Dot) {
        self.init()
        state = Cell([Cell.Entry(dot: dot, value: .live)])
        for field in document.fields {
            switch field.shown {
            case .absent:
                self[.register(field.name)] = Cell([Cell.Entry(dot: dot, value: .absent)])
            case .text(let text):
                self[.register(field.name)] = Cell([Cell.Entry(dot: dot, value: .text(text))])
            case .elements(let elements):
                let cell = Cell([Cell.Entry(dot: dot, value: .present)])
                setElements(
                    elements.map { AddWinsSet.Element(value: .text($0), cell: cell) },
                    of: field.name)
            }
        }
    }
}

/// The statements of the record tables.
struct RecordTable {
    let db: Database

    func row(_ key: RecordKey) throws -> RecordRow? {
        let query = try Query(
            db, "SELECT \(RecordRow.columns) FROM record WHERE n = ?1")
        query.bind(1, key.packed)
        return try query.first { try RecordRow($0) }
    }

    func insert(_ row: RecordRow, generation: Int) throws {
        let query = try Query(
            db,
            """
            INSERT INTO record (n, id, type, time, state, changed, changed_time, doc, side, generation)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """)
        query.bind(1, row.key.packed)
        query.bind(2, blob: row.id.bytes)
        query.bind(3, row.type)
        query.bind(4, row.time.rawValue)
        query.bind(5, row.listing.rawValue)
        query.bind(6, row.changed.packed)
        query.bind(7, row.changedTime.rawValue)
        query.bind(8, text: row.document)
        if let side = row.side { query.bind(9, blob: side) } else { query.bindNull(9) }
        query.bind(10, generation)
        try query.run()
    }

    func update(_ row: RecordRow) throws {
        let query = try Query(
            db,
            """
            UPDATE record SET state = ?2, changed = ?3, changed_time = ?4, doc = ?5, side = ?6
            WHERE n = ?1
            """)
        query.bind(1, row.key.packed)
        query.bind(2, row.listing.rawValue)
        query.bind(3, row.changed.packed)
        query.bind(4, row.changedTime.rawValue)
        query.bind(5, text: row.document)
        if let side = row.side { query.bind(6, blob: side) } else { query.bindNull(6) }
        try query.run()
    }

    /// Takes a record away. What changes touched it stays noted.
    func delete(_ key: RecordKey) throws {
        for table in ["record", "conflict", "search_queue"] {
            let query = try Query(db, "DELETE FROM \(table) WHERE n = ?1")
            query.bind(1, key.packed)
            try query.run()
        }
    }

    func touch(_ key: RecordKey, by change: RecordKey) throws {
        let query = try Query(db, "INSERT OR IGNORE INTO touch (n, change) VALUES (?1, ?2)")
        query.bind(1, key.packed)
        query.bind(2, change.packed)
        try query.run()
    }

    func isTouched(_ key: RecordKey, by change: RecordKey) throws -> Bool {
        let query = try Query(db, "SELECT 1 FROM touch WHERE n = ?1 AND change = ?2")
        query.bind(1, key.packed)
        query.bind(2, change.packed)
        return try query.first { _ in true } ?? false
    }

    /// The changes that touched a record, its creation left out, by lane and sequence.
    func touches(of key: RecordKey) throws -> [RecordKey] {
        let query = try Query(db, "SELECT change FROM touch WHERE n = ?1 ORDER BY change")
        query.bind(1, key.packed)
        return try query.all { RecordKey(packed: $0.int64(0)) }
    }

    func setConflicts(_ key: RecordKey, _ fields: [String]) throws {
        let delete = try Query(db, "DELETE FROM conflict WHERE n = ?1")
        delete.bind(1, key.packed)
        try delete.run()
        for field in fields {
            let query = try Query(db, "INSERT INTO conflict (n, field) VALUES (?1, ?2)")
            query.bind(1, key.packed)
            query.bind(2, text: field)
            try query.run()
        }
    }

    func queueForSearch(_ key: RecordKey) throws {
        let query = try Query(db, "INSERT OR IGNORE INTO search_queue (n) VALUES (?1)")
        query.bind(1, key.packed)
        try query.run()
    }

    func noteUninterpreted(_ key: RecordKey, kind: GroupKind) throws {
        let query = try Query(
            db,
            """
            INSERT OR IGNORE INTO uninterpreted (lane, sequence, part, kind)
            VALUES (?1, ?2, ?3, ?4)
            """)
        query.bind(1, key.lane)
        query.bind(2, key.sequence)
        query.bind(3, key.group)
        query.bind(4, Int(kind.rawValue))
        try query.run()
    }
}
