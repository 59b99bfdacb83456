import ParleyCRDT
import ParleyModel

extension ReadScope {
    /// A record in which somebody has to choose, with the values of its conflicts that aren't shown.
    struct ConflictedRecord {
        let key: Int64
        let id: RecordID
        let type: FieldName
        let time: HybridTime
        let document: Document
        let otherSides: [OtherSide]
    }

    /// A value that stands in a field beside the one that is shown.
    struct OtherSide {
        let field: FieldName
        let text: [UInt8]
    }

    /// All of them, newest created first, deleted ones left out.
    ///
    /// Neither documents nor indexes hold what isn't shown, so whoever looks for a value reads these
    /// as well: as many as wait to be settled, which is few beside all records.
    func conflictedRecords() throws -> [ConflictedRecord] {
        let (logs, types) = (try logs(), try types())
        let query = try Query(
            db,
            """
            SELECT \(RecordRow.columns) FROM record
            WHERE n IN (SELECT n FROM conflict) AND state <> 1 ORDER BY time DESC, n DESC
            """)
        // Reading a record asks the database too, so the rows come first.
        return try query.all { (key: $0.int64(0), row: try RecordRow($0)) }.map { key, row in
            let content = try row.content(logs: logs, types: types)
            return ConflictedRecord(
                key: key, id: row.id, type: content.type, time: row.time,
                document: try Document(json: row.document), otherSides: otherSides(of: content))
        }
    }

    private func otherSides(of content: RecordContent) -> [OtherSide] {
        content.state.registers.filter(\.content.isConflict).flatMap { field in
            let shown = content.shown(in: field.content)?.value
            return field.content.distinctValues.filter { $0 != shown }.compactMap { value in
                Document.validText(value).map { OtherSide(field: field.name, text: $0) }
            }
        }
    }
}

extension ReadScope.ConflictedRecord {
    /// Which of some filters hold only by a value that isn't shown; `nil` where one doesn't hold.
    func otherSides(fulfilling filters: [(FieldName, [UInt8])]) -> [FieldName]? {
        var fields: [FieldName] = []
        for (field, value) in filters where !document.shows(value, in: field) {
            guard otherSides.contains(where: { $0.field == field && $0.text == value }) else {
                return nil
            }
            fields.append(field)
        }
        return fields
    }
}

extension Document {
    fileprivate func shows(_ value: [UInt8], in field: FieldName) -> Bool {
        switch self[field] {
        case .text(let text): text == value
        case .elements(let elements): elements.contains(value)
        case .absent, nil: false
        }
    }
}
