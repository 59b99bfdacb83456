import GRDB
import ParleyCRDT

/// The fields by whose values records are found without reading all of them, under small numbers.
///
/// A table kept by the store rather than indexes on expressions: with `trusted_schema=OFF` this
/// SQLite refuses JSON functions in indexes, and other programs couldn't write the file.
struct IndexedFields: Equatable, Sendable {
    /// Stands for a record's type.
    static let type = 0

    /// Sorted; the first one has number 1.
    let names: [FieldName]

    init(_ names: [FieldName]) {
        self.names = Array(Set(names)).sorted()
    }

    init(_ db: Database) throws {
        names = try Query(db, "SELECT name FROM indexed_field ORDER BY number").all { row in
            guard let name = FieldName(bytes: row.bytes(0)) else {
                throw StoreError.damaged("an indexed field")
            }
            return name
        }
    }

    func number(of name: FieldName) -> Int? {
        names.firstIndex(of: name).map { $0 + 1 }
    }

    func save(_ db: Database) throws {
        try db.run("DELETE FROM indexed_field")
        for (index, name) in names.enumerated() {
            let query = try Query(
                db, "INSERT INTO indexed_field (number, name) VALUES (?1, ?2)")
            query.bind(1, index + 1)
            query.bind(2, text: name.text)
            try query.run()
        }
    }
}

/// Which records have a value in an indexed field.
///
/// Rows of values a record no longer has stay until the index is made anew: every hit is checked
/// against the record, so they cost a look and no more.
struct FieldIndex {
    /// Longer values are not worth the room; who filters by one reads the records instead.
    static let valueLimit = 256

    let db: Database
    let fields: IndexedFields

    func add(_ rows: [Indexer.Row]) throws {
        for row in rows {
            for (field, value) in values(of: row) { try add(field, value, row.key) }
        }
    }

    /// Whether a record is found by each of its values.
    func has(_ row: Indexer.Row) throws -> Bool {
        try values(of: row).allSatisfy { field, value in
            let query = try Query(
                db, "SELECT 1 FROM field_value WHERE field = ?1 AND value = ?2 AND n = ?3")
            query.bind(1, field)
            query.bind(2, blob: value)
            query.bind(3, row.key)
            return try query.first { _ in true } ?? false
        }
    }

    /// By which values a record is found, under the numbers of their fields.
    private func values(of row: Indexer.Row) -> [(field: Int, value: [UInt8])] {
        var values = [(IndexedFields.type, FieldIndex.typeValue(row.type))]
        for field in row.document.fields {
            guard let number = fields.number(of: field.name) else { continue }
            switch field.shown {
            case .absent: break
            case .text(let text): values.append((number, text))
            case .elements(let elements): values += elements.map { (number, $0) }
            }
        }
        for side in row.otherSides {
            if let number = fields.number(of: side.field) { values.append((number, side.text)) }
        }
        return values.filter { $0.1.count <= FieldIndex.valueLimit }
    }

    static func typeValue(_ number: Int) -> [UInt8] {
        number < 256 ? [UInt8(number)] : [UInt8(number >> 8 & 255), UInt8(number & 255)]
    }

    private func add(_ field: Int, _ value: [UInt8], _ key: Int64) throws {
        let query = try Query(
            db, "INSERT OR IGNORE INTO field_value (field, value, n) VALUES (?1, ?2, ?3)")
        query.bind(1, field)
        query.bind(2, blob: value)
        query.bind(3, key)
        try query.run()
    }
}
