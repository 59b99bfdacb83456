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
        var finder = Finder(wanted: wanted, limit: limit, types: try types()) {
            try self.otherSides(of: $0)
        }
        if let found = try foundInRecords(finder) {
            finder = found
        } else {
            for table in try SearchIndex.tables(db) { try look(in: table, for: &finder) }
            try lookInUnindexed(for: &finder)
        }
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
        query.bind(1, text: finder.expression)
        finder.beginSource()
        try query.each { try finder.consider($0) }
    }

    /// Looks at the records themselves, the newest of each log first, where that leads to enough hits
    /// sooner than the index does: it has to put all hits in order before the newest are known, and of
    /// a word that many records have these are many.
    ///
    /// - Returns: `nil` where the index is to be asked.
    private func foundInRecords(_ finder: Finder) throws -> Finder? {
        guard finder.limit < Int.max, let share = try share(of: finder) else { return nil }
        let records = try types().live.reduce(0, +)
        let logs = try lanes().lanes.filter { $0.applied.sequence > 0 }
        let readings = Double(logs.count) * Double(finder.limit) / share
        guard readings * ReadScope.hitsPerReading < Double(records) * share else { return nil }
        var finder = finder
        // Where a log has fewer of them than was to be expected, it isn't read to its end.
        var readingsLeft = Int(readings) * 2
        for log in logs {
            try look(at: log.creationKeys, for: &finder, readingsLeft: &readingsLeft)
            guard readingsLeft > 0 else { return nil }
        }
        return finder
    }

    /// Reading a record and looking at its words takes as long as putting that many hits in order.
    private static let hitsPerReading = 10.0
    /// Fewer hits are put in order in no time.
    private static let fewHits = 4_000

    /// Which share of the records indexed last has the words, `nil` where few have.
    private func share(of finder: Finder) throws -> Double? {
        var (hits, entries) = (0, 0)
        for table in try SearchIndex.tables(db) where hits < ReadScope.fewHits {
            let query = try Query(db, "SELECT count(*) FROM \(table) WHERE \(table) MATCH ?1")
            query.bind(1, text: finder.expression)
            hits += try query.first { $0.int(0) } ?? 0
            entries += Int(SearchIndex.tableSize)
        }
        return hits < ReadScope.fewHits ? nil : Double(hits) / Double(entries)
    }

    /// Reads records themselves, the newest first.
    private func look(
        at keys: ClosedRange<Int64>, for finder: inout Finder, readingsLeft: inout Int
    ) throws {
        let query = try Query(
            db,
            """
            SELECT \(Finder.columns) FROM record WHERE n BETWEEN ?1 AND ?2 AND state <> 1
            ORDER BY n DESC
            """)
        query.bind(1, keys.lowerBound)
        query.bind(2, keys.upperBound)
        finder.beginSource()
        try query.each { row in
            readingsLeft -= 1
            return try readingsLeft > 0 && finder.consider(row)
        }
    }

    private func lookInUnindexed(for finder: inout Finder) throws {
        var readingsLeft = Int.max
        for keys in try lanes().lanes.compactMap(\.unindexedKeys) {
            try look(at: keys, for: &finder, readingsLeft: &readingsLeft)
        }
        let edited = try Query(
            db,
            """
            SELECT \(Finder.columns) FROM record JOIN search_queue USING (n) WHERE state <> 1
            ORDER BY time DESC, n DESC
            """)
        finder.beginSource()
        try edited.each { try finder.consider($0) }
    }
}

/// Gathers hits from several sources, each sorted newest first.
private struct Finder {
    /// Of a record, what `consider` reads.
    static let columns = "n, id, type, time, doc"

    let wanted: [String]
    let limit: Int
    let types: TypeTable
    /// What a record holds beside what it shows.
    let otherSides: (Int64) throws -> [OtherSide]
    private var found: [(key: Int64, time: UInt64, hit: ReadScope.FindHit)] = []
    private var keys: Set<Int64> = []
    private var countOfSource = 0

    init(
        wanted: [String], limit: Int, types: TypeTable,
        otherSides: @escaping (Int64) throws -> [OtherSide]
    ) {
        self.wanted = wanted
        self.limit = limit
        self.types = types
        self.otherSides = otherSides
    }

    var hits: [ReadScope.FindHit] {
        found.sorted { ($0.time, $0.key) > ($1.time, $1.key) }.prefix(limit).map(\.hit)
    }

    /// What the index is asked. Quoted, every word is a plain string to its language, whatever it spells.
    var expression: String { wanted.map { "\"\($0)\"" }.joined(separator: " AND ") }

    mutating func beginSource() {
        countOfSource = 0
    }

    /// Takes a row if the record still has the words: an index entry may be of an older state.
    ///
    /// - Returns: whether this source may still have something to add.
    mutating func consider(_ row: Query) throws -> Bool {
        let key = row.int64(0)
        guard !keys.contains(key) else { return true }
        let document = try Document(json: row.bytes(4))
        guard let match = try match(in: document, of: key) else { return true }
        guard let id = RecordID(bytes: row.bytes(1)) else {
            throw StoreError.damaged("a record row")
        }
        let type = try types.name(of: row.int(2))
        return add(key, row.word(3), id, type, document, match)
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

    /// Of what a record shows, or where that doesn't have all the words, with what stands beside it.
    private func match(in document: Document, of key: Int64) throws -> Passage? {
        let shown = document.texts.map {
            Passage(field: $0.field.name, text: $0.text, isShown: true)
        }
        if let match = match(in: shown) { return match }
        let others = try otherSides(key).map {
            Passage(field: $0.field, text: $0.text, isShown: false)
        }
        return others.isEmpty ? nil : match(in: others + shown)
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
