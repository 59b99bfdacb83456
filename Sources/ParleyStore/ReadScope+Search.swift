package import ParleyCRDT
package import ParleyModel

extension ReadScope {
    /// A record that holds all the words looked for.
    package struct FindHit: Hashable, Sendable {
        package let id: RecordID
        package let type: FieldName
        package let title: String
        /// The field and the words around the first match.
        package let match: String
        /// The field of that match, where it is in a value that isn't shown: the other side of an
        /// open conflict.
        package let otherSide: FieldName?
    }

    /// Records that hold every one of the words, newest created first, deleted ones left out. All
    /// sides of an open conflict count: whoever looks for a name must find it whichever is shown.
    ///
    /// Words are compared folded: without case, diacritics, Arabic vowel marks and variant forms.
    /// Complete at all times: what isn't indexed yet is read instead.
    ///
    /// - Parameter limit: 0 for all.
    package func find(words: String, limit: Int) throws -> [FindHit] {
        let wanted = SearchFolding.words(of: Array(words.utf8))
        guard !wanted.isEmpty else { return [] }
        let limit = limit == 0 ? Int.max : limit
        var finder = Finder(wanted: wanted, limit: limit, types: try types())
        for table in try SearchIndex.tables(db) { try look(in: table, for: &finder) }
        try lookInUnindexed(for: &finder)
        finder.beginSource()
        for record in try conflictedRecords() where !finder.consider(record) { break }
        return finder.hits
    }

    /// How many records wait to be indexed; searches and filters read these one by one.
    package func indexBacklog() throws -> Int {
        var count = try Query(db, "SELECT count(*) FROM search_queue").first { $0.int(0) } ?? 0
        for keys in try lanes().lanes.compactMap(\.unindexedKeys) {
            let query = try Query(db, "SELECT count(*) FROM record WHERE n BETWEEN ?1 AND ?2")
            query.bind(1, keys.lowerBound)
            query.bind(2, keys.upperBound)
            count += try query.first { $0.int(0) } ?? 0
        }
        return count
    }

    private func look(in table: String, for finder: inout Finder) throws {
        let query = try Query(
            db,
            """
            SELECT record.n, record.id, record.type, record.time, record.doc
            FROM \(table) JOIN search_entry ON search_entry.entry = \(table).rowid
            JOIN record ON record.n = search_entry.n
            WHERE \(table) MATCH ?1 AND record.state <> 1 ORDER BY record.time DESC, record.n DESC
            """)
        // Quoted, every word is a plain string to the query language, whatever it spells.
        query.bind(1, text: finder.wanted.map { "\"\($0)\"" }.joined(separator: " AND "))
        finder.beginSource()
        try query.each { try finder.consider($0) }
    }

    private func lookInUnindexed(for finder: inout Finder) throws {
        let columns = "SELECT n, id, type, time, doc FROM record"
        for keys in try lanes().lanes.compactMap(\.unindexedKeys) {
            let query = try Query(
                db,
                "\(columns) WHERE n BETWEEN ?1 AND ?2 AND state <> 1 ORDER BY time DESC, n DESC")
            query.bind(1, keys.lowerBound)
            query.bind(2, keys.upperBound)
            finder.beginSource()
            try query.each { try finder.consider($0) }
        }
        let edited = try Query(
            db,
            "\(columns) JOIN search_queue USING (n) WHERE state <> 1 ORDER BY time DESC, n DESC")
        finder.beginSource()
        try edited.each { try finder.consider($0) }
    }
}

/// Gathers hits from several sources, each sorted newest first.
private struct Finder {
    let wanted: [String]
    let limit: Int
    let types: TypeTable
    private var found: [(key: Int64, time: UInt64, hit: ReadScope.FindHit)] = []
    private var keys: Set<Int64> = []
    private var countOfSource = 0

    init(wanted: [String], limit: Int, types: TypeTable) {
        self.wanted = wanted
        self.limit = limit
        self.types = types
    }

    var hits: [ReadScope.FindHit] {
        found.sorted { ($0.time, $0.key) > ($1.time, $1.key) }.prefix(limit).map(\.hit)
    }

    mutating func beginSource() {
        countOfSource = 0
    }

    /// Takes a row if the record still shows the words: an index entry may be of an older state.
    ///
    /// - Returns: whether this source may still have something to add.
    mutating func consider(_ row: Query) throws -> Bool {
        let key = row.int64(0)
        guard !keys.contains(key) else { return true }
        let document = try Document(json: row.bytes(4))
        guard let match = match(in: Passage.shown(in: document)) else { return true }
        guard let id = RecordID(bytes: row.bytes(1)) else {
            throw StoreError.damaged("a record row")
        }
        let type = try types.name(of: row.int(2))
        return add(key, row.word(3), id, type, document, match)
    }

    /// Takes a record in conflict, also for what it doesn't show.
    mutating func consider(_ record: ReadScope.ConflictedRecord) -> Bool {
        guard !keys.contains(record.key) else { return true }
        let shown = Passage.shown(in: record.document)
        let others = record.otherSides.map {
            Passage(field: $0.field, text: $0.text, isShown: false)
        }
        guard let match = match(in: shown) ?? match(in: others + shown) else { return true }
        return add(
            record.key, record.time.rawValue, record.id, record.type, record.document, match)
    }

    private mutating func add(
        _ key: Int64, _ time: UInt64, _ id: RecordID, _ type: FieldName, _ document: Document,
        _ match: Passage
    ) -> Bool {
        keys.insert(key)
        let excerpt = Excerpt(of: match.text, around: Set(wanted)).text
        let hit = ReadScope.FindHit(
            id: id, type: type, title: document.title, match: "\(match.field): \(excerpt)",
            otherSide: match.isShown ? nil : match.field)
        found.append((key, time, hit))
        countOfSource += 1
        return countOfSource < limit
    }

    /// - Returns: the first passage with one of the words, where together they have all.
    private func match(in passages: [Passage]) -> Passage? {
        var missing = Set(wanted)
        var first: Passage?
        for passage in passages {
            let words = Set(SearchFolding.words(of: passage.text))
            if first == nil, !words.isDisjoint(with: wanted) { first = passage }
            missing.subtract(words)
        }
        return missing.isEmpty ? first : nil
    }
}

/// A text that words are looked for in.
private struct Passage {
    let field: FieldName
    let text: [UInt8]
    let isShown: Bool

    static func shown(in document: Document) -> [Passage] {
        document.texts.map { Passage(field: $0.field.name, text: $0.text, isShown: true) }
    }
}

/// A few words of a text around the first that was looked for.
private struct Excerpt {
    private static let wordsBefore = 4
    private static let wordsAfter = 8

    let text: String

    init(of bytes: [UInt8], around wanted: Set<String>) {
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        let hit =
            words.firstIndex { word in
                !wanted.isDisjoint(with: SearchFolding.words(of: Array(word.utf8)))
            } ?? 0
        let start = max(0, hit - Excerpt.wordsBefore)
        let end = min(words.count, hit + Excerpt.wordsAfter + 1)
        let middle = words[start..<end].joined(separator: " ")
        text = (start > 0 ? "… " : "") + middle + (end < words.count ? " …" : "")
    }
}
