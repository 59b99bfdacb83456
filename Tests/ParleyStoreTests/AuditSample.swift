import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import Testing

/// A casebook with a conflict in `shared`, an edited record, and one that is as it was made.
struct AuditSample {
    let anna: TestNode
    let boris: Origin
    let shared: RecordID
    let plain: RecordID

    init() async throws {
        anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        self.boris = boris.store.origin
        shared = try await #require(
            anna.create("exchange", write("place", "Sweida")).recordIDs[0])
        plain = try await #require(
            anna.create("report", write("title", "Reuters")).recordIDs[0])
        try await boris.pull(from: anna)
        for number in 0..<4 { try await boris.create("note", write("title", "\(number)")) }
        try await boris.edit(shared, write("place", "Adra"))
        try await anna.edit(shared, write("place", "Damascus"))
        try await anna.pull(from: boris)
        try await boris.store.close()
    }

    /// Damages the file with SQL and checks it.
    func report(after sql: String) async throws -> AuditReport {
        try await anna.store.close()
        try SQLiteFile(anna.path).run(sql)
        let again = try anna.opened()
        let report = try await again.store.audit()
        try await again.store.close()
        return report
    }

    func findings(after sql: String) async throws -> [Finding] {
        try await report(after: sql).findings
    }

    var borisLane: String {
        "(SELECT number FROM lane WHERE node = \(literal(boris.node.bytes)))"
    }
}

extension Finding {
    static func of(record id: RecordID, _ problem: String) -> Finding {
        Finding(check: .records, subject: .record(id), problem: problem)
    }

    static let digest = Finding(
        check: .digest, subject: .casebook,
        problem: "has a digest that its records don't come to")
}

/// A blob as SQL has it.
func literal(_ bytes: [UInt8]) -> String {
    "X'" + bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined() + "'"
}
