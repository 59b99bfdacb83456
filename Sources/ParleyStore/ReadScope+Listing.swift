package import ParleyCRDT
package import ParleyModel

extension ReadScope {
    /// A record as lists show it.
    package struct ListedRecord: Hashable, Sendable {
        package let id: RecordID
        package let type: FieldName
        package let document: Document
        package let isDeleted: Bool
        /// Whether somebody has to choose something in it.
        package let hasConflict: Bool
        package let changedTime: HybridTime
        /// The fields by which it fulfils filters only with a value that isn't shown: the other side
        /// of an open conflict.
        package fileprivate(set) var otherSides: [FieldName] = []
    }

    /// Records that aren't deleted, or only those that are.
    ///
    /// - Parameters:
    ///   - type: `nil` for all types.
    ///   - filters: every one must hold: a register has the value, on any side of an open conflict,
    ///     or a set has it.
    ///   - deleted: which of the two.
    ///   - sort: a field in the order of its bytes, records without it last; `nil` for the newest
    ///     created first.
    ///   - limit: 0 for all.
    /// - Complexity: without `sort`, what there is of the type, or of the first filter by an indexed
    ///   field, is visited newest first until the limit is reached.
    package func list(
        type: FieldName?, filters: [(FieldName, [UInt8])] = [], deleted: Bool = false,
        sort: FieldName?, limit: Int
    ) throws -> [ListedRecord] {
        let others = deleted ? [:] : try otherSides(fulfilling: filters)
        let condition = try condition(
            type: type, filters: filters, deleted: deleted, others: others.keys.sorted())
        guard let condition else { return [] }
        let keys =
            if let sort {
                try keys(where: condition, sortedBy: sort, limit: limit)
            } else {
                try newestKeys(where: condition, limit: limit)
            }
        let types = try types()
        return try keys.compactMap { key in
            let query = try Query(
                db,
                """
                SELECT id, type, doc, changed_time, state,
                    EXISTS (SELECT 1 FROM conflict WHERE conflict.n = record.n)
                FROM record WHERE n = ?1
                """)
            query.bind(1, key)
            var record = try query.first { try ListedRecord($0, types) }
            record?.otherSides = others[key] ?? []
            return record
        }
    }

    /// Records that fulfil filters only with values that aren't shown, and by which fields.
    private func otherSides(
        fulfilling filters: [(FieldName, [UInt8])]
    ) throws -> [Int64: [FieldName]] {
        guard !filters.isEmpty else { return [:] }
        var found: [Int64: [FieldName]] = [:]
        let index = try ListCondition.index(of: filters, in: IndexedFields(db))
        for key in try disputedKeys(in: filters.map(\.0), index: index) {
            let query = try Query(db, "SELECT doc FROM record WHERE n = ?1")
            query.bind(1, key)
            guard let document = try query.first({ try Document(json: $0.bytes(0)) }) else {
                continue
            }
            let hidden = filters.filter { !document.shows($0.1, in: $0.0) }
            let sides = try otherSides(of: key)
            guard !hidden.isEmpty,
                hidden.allSatisfy({ sides.contains(OtherSide(field: $0.0, text: $0.1)) })
            else { continue }
            found[key] = hidden.map(\.0)
        }
        return found
    }

    /// - Returns: `nil` where nothing can fulfil it.
    private func condition(
        type: FieldName?, filters: [(FieldName, [UInt8])], deleted: Bool, others: [Int64]
    ) throws -> ListCondition? {
        let number = try type.map { try types().number(of: $0) }
        if case .some(nil) = number { return nil }
        return ListCondition(
            type: number ?? nil, filters: filters, others: others, isDeleted: deleted)
    }

    private func keys(
        where condition: ListCondition, sortedBy field: FieldName, limit: Int
    ) throws -> [Int64] {
        let query = try Query(
            db,
            """
            SELECT n FROM record WHERE \(condition.sql)
            ORDER BY json_extract(doc, ?2) IS NULL, json_extract(doc, ?2), time DESC, n DESC
            LIMIT ?1
            """)
        query.bind(1, limit == 0 ? -1 : limit)
        query.bind(2, text: "$.\(field.text)")
        condition.bind(query)
        return try query.all { $0.int64(0) }
    }

    /// Walks every log's creations from its newest on and takes the newest of all.
    private func newestKeys(where condition: ListCondition, limit: Int) throws -> [Int64] {
        var walk = KeyWalk(limit: limit == 0 ? Int.max : limit)
        let index = try condition.index(in: IndexedFields(db))
        for lane in try lanes().lanes where lane.applied.sequence > 0 {
            guard let index else {
                try walk.visit(unindexed(lane.creationKeys, condition))
                continue
            }
            if let keys = lane.unindexedKeys { try walk.visit(unindexed(keys, condition)) }
            if let keys = lane.indexedKeys { try walk.visit(indexed(keys, index, condition)) }
        }
        if index != nil {
            try walk.visit(edited(condition))
            try walk.visit(others(condition))
        }
        return walk.keys
    }

    private func unindexed(
        _ range: ClosedRange<Int64>, _ condition: ListCondition
    ) throws -> Query {
        let query = try Query(
            db,
            """
            SELECT n, time FROM record WHERE n BETWEEN ?1 AND ?2 AND \(condition.sql)
            ORDER BY n DESC
            """)
        query.bind(1, range.lowerBound)
        query.bind(2, range.upperBound)
        condition.bind(query)
        return query
    }

    private func indexed(
        _ range: ClosedRange<Int64>, _ index: (field: Int, value: [UInt8]),
        _ condition: ListCondition
    ) throws -> Query {
        let query = try Query(
            db,
            """
            SELECT record.n, time FROM field_value CROSS JOIN record USING (n)
            WHERE field_value.n BETWEEN ?1 AND ?2 AND field_value.field = ?3
                AND field_value.value = ?4 AND \(condition.sql)
            ORDER BY field_value.n DESC
            """)
        query.bind(1, range.lowerBound)
        query.bind(2, range.upperBound)
        query.bind(3, index.field)
        query.bind(4, blob: index.value)
        condition.bind(query)
        return query
    }

    /// Records that no index leads to, because what fulfils the filters isn't shown.
    private func others(_ condition: ListCondition) throws -> Query {
        let query = try Query(
            db,
            """
            SELECT n, time FROM record
            WHERE n IN (SELECT value FROM json_each(?1)) AND \(condition.sql)
            ORDER BY time DESC, n DESC
            """)
        query.bind(1, text: condition.othersList)
        condition.bind(query)
        return query
    }

    /// Records whose index entries may be of an older state.
    private func edited(_ condition: ListCondition) throws -> Query {
        let query = try Query(
            db,
            """
            SELECT record.n, time FROM search_queue CROSS JOIN record USING (n)
            WHERE \(condition.sql) ORDER BY time DESC, record.n DESC
            """)
        condition.bind(query)
        return query
    }
}

/// What records must fulfil to be listed, as a condition on a row of the record table.
private struct ListCondition {
    let type: Int?
    let filters: [(FieldName, [UInt8])]
    /// Records that fulfil the filters by what they don't show.
    let others: [Int64]
    let isDeleted: Bool

    /// Parameters 1 to 4 are the statement's own.
    private static let firstParameter = 5

    var sql: String {
        let state = isDeleted ? "state = 1" : "state <> 1"
        let kind = type == nil ? "" : " AND type = ?\(ListCondition.firstParameter)"
        // `json_each` has one row for a plain value and one per element for a set.
        let values = filters.indices.map { index in
            let path = ListCondition.firstParameter + 1 + 2 * index
            return
                "EXISTS (SELECT 1 FROM json_each(doc, ?\(path)) AS item WHERE item.value = ?\(path + 1))"
        }
        guard !values.isEmpty else { return state + kind }
        let shown = values.joined(separator: " AND ")
        guard !others.isEmpty else { return "\(state)\(kind) AND \(shown)" }
        let other = "n IN (SELECT value FROM json_each(?\(othersParameter)))"
        return "\(state)\(kind) AND (\(other) OR (\(shown)))"
    }

    private var othersParameter: Int { ListCondition.firstParameter + 1 + 2 * filters.count }

    /// As JSON, for the database to read.
    var othersList: String { "[" + others.map(String.init).joined(separator: ",") + "]" }

    func bind(_ query: Query) {
        let first = Int32(ListCondition.firstParameter)
        if let type { query.bind(first, type) }
        for (index, filter) in filters.enumerated() {
            query.bind(first + 1 + 2 * Int32(index), text: "$.\(filter.0.text)")
            query.bind(first + 2 + 2 * Int32(index), text: filter.1)
        }
        if !others.isEmpty { query.bind(Int32(othersParameter), text: othersList) }
    }

    /// The most selective entry of the index there is; `nil` where all records must be read.
    func index(in fields: IndexedFields) -> (field: Int, value: [UInt8])? {
        ListCondition.index(of: filters, in: fields)
            ?? type.map { (IndexedFields.type, FieldIndex.typeValue($0)) }
    }

    /// The entry of the first filter by an indexed field.
    static func index(
        of filters: [(FieldName, [UInt8])], in fields: IndexedFields
    ) -> (field: Int, value: [UInt8])? {
        for (name, value) in filters where value.count <= FieldIndex.valueLimit {
            if let number = fields.number(of: name) { return (number, value) }
        }
        return nil
    }
}

/// Gathers the newest keys of several sources, each sorted newest first.
private struct KeyWalk {
    let limit: Int
    private var found: [(time: UInt64, key: Int64)] = []
    private var seen: Set<Int64> = []

    init(limit: Int) {
        self.limit = limit
    }

    var keys: [Int64] {
        found.sorted { ($0.time, $0.key) > ($1.time, $1.key) }.prefix(limit).map(\.key)
    }

    mutating func visit(_ source: Query) throws {
        var count = 0
        try source.each { row in
            let key = row.int64(0)
            if seen.insert(key).inserted { found.append((row.word(1), key)) }
            count += 1
            return count < limit
        }
    }
}

extension ReadScope.ListedRecord {
    fileprivate init(_ row: Query, _ types: TypeTable) throws {
        guard let id = RecordID(bytes: row.bytes(0)) else {
            throw StoreError.damaged("a record row")
        }
        self.id = id
        type = try types.name(of: row.int(1))
        document = try Document(json: row.bytes(2))
        changedTime = HybridTime(rawValue: row.word(3))
        isDeleted = row.int(4) == 1
        hasConflict = row.int(5) != 0
    }
}
