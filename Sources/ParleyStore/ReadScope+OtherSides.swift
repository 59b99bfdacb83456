import ParleyCRDT
import ParleyModel

/// A value that stands in a field beside the one that is shown: the other side of an open conflict.
///
/// Documents don't hold it. The index does, so that whoever looks for it is led to the record.
struct OtherSide: Hashable {
    let field: FieldName
    let text: [UInt8]
}

extension RecordContent {
    /// None in a deleted record: nobody can settle anything there.
    var otherSides: [OtherSide] {
        guard state.isLive else { return [] }
        return state.registers.filter(\.content.isConflict).flatMap { field in
            let shown = shown(in: field.content)?.value
            return field.content.distinctValues.filter { $0 != shown }.compactMap { value in
                Document.validText(value).map { OtherSide(field: field.name, text: $0) }
            }
        }
    }
}

extension ReadScope {
    /// What a record's conflicts hold beside what is shown; nothing where it has none.
    func otherSides(of key: Int64) throws -> [OtherSide] {
        let query = try Query(
            db,
            """
            SELECT \(RecordRow.columns) FROM record
            WHERE n = ?1 AND EXISTS (SELECT 1 FROM conflict WHERE conflict.n = record.n)
            """)
        query.bind(1, key)
        guard let row = try query.first({ try RecordRow($0) }) else { return [] }
        return try row.content(logs: logs(), types: types()).otherSides
    }

    /// Records that may fulfil filters by what they don't show: those with a conflict in one of the
    /// fields, as far as the index leads to them or doesn't know them yet.
    ///
    /// - Parameter index: the entry under which records with a value of one filter are found, those
    ///   that don't show it too; `nil` where there is none.
    func disputedKeys(
        in fields: [FieldName], index: (field: Int, value: [UInt8])?
    ) throws -> [Int64] {
        let list = "[\(fields.map { "\"\($0.text)\"" }.joined(separator: ","))]"
        let disputed =
            "SELECT DISTINCT n FROM conflict WHERE field IN (SELECT value FROM json_each(?1))"
        guard let index else {
            let query = try Query(db, disputed)
            query.bind(1, text: list)
            return try query.all { $0.int64(0) }
        }
        let query = try Query(
            db,
            """
            \(disputed) AND (n IN (SELECT n FROM search_queue) OR EXISTS (
                SELECT 1 FROM field_value WHERE field = ?2 AND value = ?3 AND n = conflict.n))
            """)
        query.bind(1, text: list)
        query.bind(2, index.field)
        query.bind(3, blob: index.value)
        var keys = try query.all { $0.int64(0) }
        for range in try lanes().lanes.compactMap(\.unindexedKeys) {
            let query = try Query(db, "\(disputed) AND n BETWEEN ?2 AND ?3")
            query.bind(1, text: list)
            query.bind(2, range.lowerBound)
            query.bind(3, range.upperBound)
            keys += try query.all { $0.int64(0) }
        }
        return keys
    }
}

extension Document {
    func shows(_ value: [UInt8], in field: FieldName) -> Bool {
        switch self[field] {
        case .text(let text): text == value
        case .elements(let elements): elements.contains(value)
        case .absent, nil: false
        }
    }
}
