import GRDB
import ParleyCRDT

/// Record types under small numbers, with how many live records each has.
struct TypeTable: Sendable {
    private(set) var names: [FieldName] = []
    private(set) var live: [Int] = []

    init(_ db: Database) throws {
        try Query(db, "SELECT name, live, number FROM type ORDER BY number").each { row in
            guard let name = FieldName(bytes: row.bytes(0)), (0..<1 << 48).contains(row.int(1)),
                row.int(2) == names.count + 1
            else { throw StoreError.damaged("a record type") }
            names.append(name)
            live.append(row.int(1))
            return true
        }
    }

    func name(of number: Int) throws -> FieldName {
        guard names.indices.contains(number - 1) else { throw StoreError.damaged("a type number") }
        return names[number - 1]
    }

    func number(of name: FieldName) -> Int? {
        names.firstIndex(of: name).map { $0 + 1 }
    }

    mutating func add(_ name: FieldName) -> Int {
        if let number = number(of: name) { return number }
        names.append(name)
        live.append(0)
        return names.count
    }

    mutating func count(_ difference: Int, of number: Int) throws {
        guard live.indices.contains(number - 1) else { throw StoreError.damaged("a type number") }
        live[number - 1] += difference
    }

    func save(_ db: Database) throws {
        for (index, name) in names.enumerated() {
            let query = try Query(
                db,
                """
                INSERT INTO type (number, name, live) VALUES (?1, ?2, ?3)
                ON CONFLICT (number) DO UPDATE SET live = ?3
                """)
            query.bind(1, index + 1)
            query.bind(2, text: name.text)
            query.bind(3, live[index])
            try query.run()
        }
    }
}
