import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import Testing

/// Damage in the records of a casebook's file and in what is stored with them, and what a check says of it.
@Suite struct RecordAuditTests {
    /// What is stored beside a record and can't be read is damage in so many words, to those who read it
    /// and to those who take changes of it in.
    @Test(arguments: [
        "substr(side, 1, length(side) - 1)", "x'01ffffffffffffffffff01' || zeroblob(40)",
        "x'ff'", "substr(side, 1, length(side) - 2) || x'ffff'",
    ])
    func aSideThatCannotBeReadIsDamage(value: String) async throws {
        let anna = try await TestNode.founder()
        let id = try await #require(anna.create("exchange", write("title", "a")).recordIDs[0])
        try await anna.edit(id, write("title", "b"))
        try await anna.store.close()
        try SQLiteFile(anna.path).run("UPDATE record SET side = CAST(\(value) AS BLOB)")
        let again = try anna.opened()
        for attempt in 0..<2 {
            let failure = await #expect(throws: StoreError.self) {
                if attempt == 0 { _ = try await again.record(id) }
                try await again.edit(id, write("title", "c"))
            }
            guard case .damaged = failure else {
                Issue.record("\(String(describing: failure))")
                continue
            }
        }
        #expect(try await !again.store.audit().findings.isEmpty)
    }

    /// A member may sign an edit of what is no record; nobody's casebook is damaged by that.
    @Test func anEditOfNoRecordIsNoDamage() async throws {
        let sample = try await AuditSample()
        let store = sample.anna.store
        let founding = try await #require(store.hash(of: store.origin, at: 1))
        let author = LogAuthor(identity: TestNode.identity(2), epoch: 77)
        let change = Change(
            origin: author.origin, sequence: 1, time: HybridTime(rawValue: 1),
            contextDelta: store.appliedClock.entries,
            groups: [
                .edit(
                    of: RecordReference(
                        creation: DotReference(
                            Dot(origin: store.origin, sequence: 1, hash: founding.prefix)),
                        group: 0), [write("place", "nowhere")])
            ])
        try await store.ingest([
            author.run(
                of: [change], casebook: store.casebookID, previous: .zero,
                seed: [UInt8](repeating: 7, count: 16))
        ])
        #expect(store.appliedClock[author.origin].map(\.sequence) == [1])
        #expect(try await store.audit().findings == [])
    }

    /// A record of which the index by ID is told another place can't be shown.
    @Test(
        arguments: [
            "UPDATE record SET generation = 7 WHERE n = (SELECT max(n) FROM record)",
            "UPDATE record SET generation = -1 WHERE n = (SELECT max(n) FROM record)",
        ])
    func aRecordThatIsNotFoundByItsIDIsCounted(sql: String) async throws {
        let findings = try await AuditSample().findings(after: sql)
        #expect(
            findings.map(\.problem) == ["has records that aren't found by their IDs: 1"])
    }

    @Test func aRecordThatSaysSomethingElseIsNamed() async throws {
        let sample = try await AuditSample()
        let findings = try await sample.findings(
            after: """
                UPDATE record SET doc = '{"title":"Rueters"}' WHERE id = \(literal(sample.plain.bytes))
                """)
        #expect(
            findings == [
                Finding.of(record: sample.plain, "isn't what its changes come to"), Finding.digest,
            ])
    }

    @Test func aRecordThatCannotBeReadIsNamed() async throws {
        let sample = try await AuditSample()
        let findings = try await sample.findings(
            after: "UPDATE record SET doc = '{' WHERE id = \(literal(sample.plain.bytes))")
        #expect(
            findings == [
                Finding.of(record: sample.plain, "can't be compared with the changes it rests on"),
                Finding.digest,
            ])
    }

    @Test func aRecordThatIsGoneIsMissed() async throws {
        let sample = try await AuditSample()
        let findings = try await sample.findings(
            after: "DELETE FROM record WHERE id = \(literal(sample.plain.bytes))")
        #expect(
            findings == [
                Finding.digest,
                Finding(
                    check: .records, subject: .change(sample.anna.store.origin, 4),
                    problem: "says something of a record that isn't here"),
            ])
    }

    @Test func aRecordUnderAnotherIDIsNamed() async throws {
        let sample = try await AuditSample()
        let other = RecordID(7)
        let findings = try await sample.findings(
            after: """
                UPDATE record SET id = \(literal(other.bytes))
                WHERE id = \(literal(sample.plain.bytes))
                """)
        #expect(
            findings == [
                Finding.of(record: other, "doesn't have the ID that its creation gives it"),
                Finding.digest,
            ])
    }

    @Test func aRecordOfNoLogIsAFindingAndNoCrash() async throws {
        let sample = try await AuditSample()
        let findings = try await sample.findings(
            after: "UPDATE record SET n = -1 WHERE id = \(literal(sample.plain.bytes))")
        #expect(
            findings.first
                == Finding(
                    check: .records, subject: .casebook,
                    problem: "has a record whose row can't be read"))
    }

    /// Its next edit would be merged without the one that isn't noted.
    @Test func anEditThatIsNotNotedWithItsRecordIsNamed() async throws {
        let sample = try await AuditSample()
        let findings = try await sample.findings(
            after: "DELETE FROM touch WHERE change = (SELECT max(change) FROM touch)")
        #expect(
            findings.contains { $0.problem == "isn't noted with a record that it changed" },
            "\(findings)")
    }

    /// As many conflicts as before, but not the same.
    @Test func aConflictOfAnotherFieldIsNamed() async throws {
        let sample = try await AuditSample()
        let findings = try await sample.findings(after: "UPDATE conflict SET field = 'note'")
        #expect(
            findings == [
                Finding.of(record: sample.shared, "is noted with other conflicts than it has")
            ])
    }

    @Test func aConflictOfAnotherRecordIsNamed() async throws {
        let sample = try await AuditSample()
        let moved = try await sample.findings(after: "UPDATE conflict SET n = n + 4096")
        #expect(moved.count == 2, "\(moved)")
        #expect(
            moved.allSatisfy { $0.problem == "is noted with other conflicts than it has" })
        let strange = try await AuditSample().findings(after: "UPDATE conflict SET n = 1")
        #expect(
            strange.contains {
                $0.problem == "notes conflicts of 1 records that aren't here"
            })
    }
}
