package import ParleyCRDT
package import ParleyModel

extension ReadScope {
    /// A record as lists show it.
    package struct ListedRecord: Hashable, Sendable {
        package let id: RecordID
        package let type: FieldName
        package let document: Document
        /// Whether somebody has to choose something in it.
        package let hasConflict: Bool
        package let changedTime: HybridTime
    }

    /// Records that aren't deleted.
    ///
    /// - Parameters:
    ///   - type: `nil` for all types.
    ///   - filters: every one must hold: a register shows the value, or a set has it.
    ///   - sort: a field in the order of its bytes, records without it last; `nil` for the newest
    ///     created first.
    ///   - limit: 0 for all.
    package func list(
        type: FieldName?, filters: [(FieldName, [UInt8])], sort: FieldName?, limit: Int
    ) throws -> [ListedRecord] {
        var number: Int?
        if let type {
            number = try types().number(of: type)
            guard number != nil else { return [] }
        }
        let query = try Query(
            db, ReadScope.listing(filterCount: filters.count, isSorted: sort != nil))
        query.bind(1, limit == 0 ? -1 : limit)
        if let number { query.bind(2, number) } else { query.bindNull(2) }
        if let sort { query.bind(3, text: "$.\(sort.text)") }
        for (index, filter) in filters.enumerated() {
            query.bind(Int32(4 + 2 * index), text: "$.\(filter.0.text)")
            query.bind(Int32(5 + 2 * index), text: filter.1)
        }
        let types = try types()
        return try query.all { try ListedRecord($0, types) }
    }

    /// Keys are sorted and limited before documents are fetched: sorting whole rows would carry
    /// every document of the casebook through the sorter.
    private static func listing(filterCount: Int, isSorted: Bool) -> String {
        let order = isSorted ? "json_extract(doc, ?3) IS NULL, json_extract(doc, ?3), " : ""
        let conditions = (0..<filterCount).map(condition).joined()
        return """
            WITH chosen (n) AS (
                SELECT n FROM record WHERE state <> 1 AND (?2 IS NULL OR type = ?2)\(conditions)
                ORDER BY \(order)time DESC, n DESC LIMIT ?1)
            SELECT id, type, doc, changed_time,
                EXISTS (SELECT 1 FROM conflict WHERE conflict.n = record.n)
            FROM chosen JOIN record USING (n) ORDER BY \(order)time DESC, record.n DESC
            """
    }

    /// `json_each` has one row for a plain value and one per element for a set.
    private static func condition(_ index: Int) -> String {
        let (path, value) = (4 + 2 * index, 5 + 2 * index)
        return " AND EXISTS (SELECT 1 FROM json_each(doc, ?\(path)) WHERE value = ?\(value))"
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
        hasConflict = row.int(4) != 0
    }
}
