package import ParleyCRDT
package import ParleyModel

extension ReadScope {
    /// A field, or a record's state, that somebody has to choose for.
    package struct OpenConflict: Hashable, Sendable {
        package let record: RecordID
        /// `nil` for the record's state: an edit against a delete.
        package let field: FieldName?
    }

    /// Open conflicts, those of the most recently changed records first.
    ///
    /// - Parameter limit: 0 for all.
    package func conflicts(limit: Int) throws -> [OpenConflict] {
        let query = try Query(
            db,
            """
            SELECT record.id, conflict.field FROM conflict JOIN record USING (n)
            ORDER BY record.changed_time DESC, n, conflict.field LIMIT ?1
            """)
        query.bind(1, limit == 0 ? -1 : limit)
        return try query.all { try OpenConflict($0) }
    }
}

extension ReadScope.OpenConflict {
    fileprivate init(_ row: Query) throws {
        guard let id = RecordID(bytes: row.bytes(0)) else {
            throw StoreError.damaged("a conflict row")
        }
        record = id
        field = FieldName(bytes: row.bytes(1))
    }
}
