import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import Testing

/// Damage in a casebook's file, of every kind there is, and what a check says of it.
@Suite struct AuditTests {
    /// A casebook with a conflict in `shared`, an edited record, and one that is as it was made.
    private struct Sample {
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

    private static func of(record id: RecordID, _ problem: String) -> Finding {
        Finding(check: .records, subject: .record(id), problem: problem)
    }

    private static let digest = Finding(
        check: .digest, subject: .casebook,
        problem: "has a digest that its records don't come to")

    @Test func aSoundCasebookHasNoFindings() async throws {
        let sample = try await Sample()
        let report = try await sample.report(after: "SELECT 1")
        #expect(report.findings == [])
        #expect(report.logs == 2)
        #expect(report.records == 6)
        #expect(report.conflicts == 1)
        #expect(report.changes == report.signatures, "every change is a run of its own here")
        #expect(report.changes == 10)
    }

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

    /// Forks, cuts, erasures done and hidden, redactions, conflicts and changes that wait are all in
    /// order, and so is the file once its logs were packed.
    @Test func whatIsUnusualIsNoDamage() async throws {
        let anna = try await TestNode.founder()
        let boris = try await anna.admitting("boris", seed: 2)
        let carla = try await anna.admitting("carla", seed: 3)
        let id = try await #require(
            anna.create("person", write("place", "a"), confide("note", "n")).recordIDs[0])
        let erased = try await #require(anna.create("person", write("place", "b")).recordIDs[0])
        try await boris.pull(from: anna)
        let twin = try boris.cloned("twin", seed: 4)
        try await boris.edit(id, write("place", "by boris"))
        try await twin.edit(id, write("place", "by his twin"))
        try await anna.edit(id, write("place", "by anna"))
        for other in [boris, twin] { try await anna.pull(from: other) }
        #expect(try await anna.forks() == [boris.store.origin])
        try await anna.erase(erased)
        try await anna.redact(id, "note")
        _ = try await anna.store.finishErasures()
        try await carla.pull(from: anna)
        try await carla.create("note", write("title", "beyond"))
        try await anna.revoke(carla.store.origin.node, keeping: [])
        try await anna.pull(from: carla)
        let dora = try await anna.admitting("dora", seed: 5, holding: [])
        _ = try await dora.pull(from: anna, origins: [anna.store.origin])
        #expect(try await dora.store.read { try $0.waitingCount() } > 0)
        _ = try await anna.store.seal()
        for node in [anna, boris, dora] {
            #expect(try await node.store.audit().findings == [])
        }
    }

    /// A member may sign an edit of what is no record; nobody's casebook is damaged by that.
    @Test func anEditOfNoRecordIsNoDamage() async throws {
        let sample = try await Sample()
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
        let findings = try await Sample().findings(after: sql)
        #expect(
            findings.map(\.problem) == ["has records that aren't found by their IDs: 1"])
    }

    /// Whichever byte of a stored run is another, the check says where.
    @Test func anyOtherByteOfABatchIsFound() async throws {
        let sample = try await Sample()
        try await sample.anna.store.close()
        let file = SQLiteFile(sample.anna.path)
        let row = "lane = \(sample.borisLane) AND first = 3"
        let bytes = try #require(file.blobs("SELECT bytes FROM batch WHERE \(row)").first)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x10
            try file.run("UPDATE batch SET bytes = \(literal(damaged)) WHERE \(row)")
            let again = try sample.anna.opened()
            let findings = try await again.store.audit().findings
            try await again.store.close()
            #expect(
                findings.contains {
                    [.chains, .signatures].contains($0.check)
                        && $0.subject == .change(sample.boris, 3)
                }, "byte \(index): \(findings)")
        }
    }

    @Test func aBatchThatIsGoneIsAGap() async throws {
        let sample = try await Sample()
        let findings = try await sample.findings(
            after: "DELETE FROM batch WHERE lane = \(sample.borisLane) AND first = 3")
        #expect(
            findings.first
                == Finding(
                    check: .chains, subject: .change(sample.boris, 4),
                    problem: "is the first after a gap: changes 3 to 3 are missing"))
        #expect(findings.count { $0.check == .chains } == 1)
        #expect(
            findings.contains {
                $0.problem == "can't be compared with the changes it rests on"
            })
    }

    @Test func anAlteredHashIsNamed() async throws {
        let sample = try await Sample()
        let findings = try await sample.findings(
            after: """
                UPDATE batch SET hashes = zeroblob(32)
                WHERE lane = \(sample.borisLane) AND first = 3
                """)
        #expect(
            findings.filter { $0.check == .chains } == [
                Finding(
                    check: .chains, subject: .change(sample.boris, 3),
                    problem: "doesn't have the hash that was noted for it")
            ])
    }

    /// A range that no run can have, as a damaged page may say.
    @Test(arguments: ["first = 0", "last = 1", "last = -1"])
    func anImpossibleRangeIsAFindingAndNoCrash(change: String) async throws {
        let sample = try await Sample()
        let findings = try await sample.findings(
            after: "UPDATE batch SET \(change) WHERE lane = \(sample.borisLane) AND first = 3")
        #expect(findings.contains { $0.check == .chains })
    }

    @Test func aRecordThatSaysSomethingElseIsNamed() async throws {
        let sample = try await Sample()
        let findings = try await sample.findings(
            after: """
                UPDATE record SET doc = '{"title":"Rueters"}' WHERE id = \(literal(sample.plain.bytes))
                """)
        #expect(
            findings == [
                Self.of(record: sample.plain, "isn't what its changes come to"), Self.digest,
            ])
    }

    @Test func aRecordThatCannotBeReadIsNamed() async throws {
        let sample = try await Sample()
        let findings = try await sample.findings(
            after: "UPDATE record SET doc = '{' WHERE id = \(literal(sample.plain.bytes))")
        #expect(
            findings == [
                Self.of(record: sample.plain, "can't be compared with the changes it rests on"),
                Self.digest,
            ])
    }

    @Test func aRecordThatIsGoneIsMissed() async throws {
        let sample = try await Sample()
        let findings = try await sample.findings(
            after: "DELETE FROM record WHERE id = \(literal(sample.plain.bytes))")
        #expect(
            findings == [
                Self.digest,
                Finding(
                    check: .records, subject: .change(sample.anna.store.origin, 4),
                    problem: "says something of a record that isn't here"),
            ])
    }

    @Test func aRecordUnderAnotherIDIsNamed() async throws {
        let sample = try await Sample()
        let other = RecordID(7)
        let findings = try await sample.findings(
            after: """
                UPDATE record SET id = \(literal(other.bytes))
                WHERE id = \(literal(sample.plain.bytes))
                """)
        #expect(
            findings == [
                Self.of(record: other, "doesn't have the ID that its creation gives it"),
                Self.digest,
            ])
    }

    @Test func aRecordOfNoLogIsAFindingAndNoCrash() async throws {
        let sample = try await Sample()
        let findings = try await sample.findings(
            after: "UPDATE record SET n = -1 WHERE id = \(literal(sample.plain.bytes))")
        #expect(
            findings.first
                == Finding(
                    check: .records, subject: .casebook,
                    problem: "has a record whose row can't be read"))
    }

    /// Who belongs and what is erased is noted beside the log, and everything is judged by it.
    @Test(
        arguments: [
            ("DELETE FROM cut", Finding.Check.members),
            ("UPDATE cut SET node = zeroblob(32)", .members),
            ("DELETE FROM admission WHERE sequence > 1", .members),
            ("UPDATE admission SET role = 1 WHERE sequence > 1", .members),
            (
                "INSERT INTO admission SELECT lane, sequence, 9, time, context, node, role, name FROM admission LIMIT 1",
                .members
            ),
            ("DELETE FROM claim", .erasures),
            ("UPDATE claim SET field = 'name'", .erasures),
            (
                "INSERT INTO claim SELECT lane, sequence, 9, n, id, field, time, seen, state, basis FROM claim",
                .erasures
            ),
        ])
    func whatIsNotedOfADecisionIsComparedWithIt(sql: String, check: Finding.Check) async throws {
        let sample = try await Sample()
        try await sample.anna.revoke(sample.boris.node)
        try await sample.anna.erase(sample.plain)
        #expect(try await sample.report(after: "SELECT 1").findings == [])
        let report = try await sample.report(after: sql)
        #expect(report.counts[check] != nil, "\(report.findings)")
    }

    /// What an author had seen decides what an edit replaces, also of edits that are still to come.
    @Test func anAlteredContextIsNamed() async throws {
        let sample = try await Sample()
        for _ in 0..<70 { try await sample.anna.create("note", write("title", "x")) }
        #expect(try await sample.report(after: "SELECT 1").findings == [])
        let last = try #require(sample.anna.store.appliedClock[sample.anna.store.origin].last)
        for (table, column, sequence) in [
            ("context", "clock", 64), ("lane", "context", last.sequence),
        ] {
            try await sample.anna.store.close()
            let file = SQLiteFile(sample.anna.path)
            let row = "\(table == "lane" ? "number" : "lane") = 1"
            let bytes = try #require(
                file.blobs("SELECT \(column) FROM \(table) WHERE \(row)").first)
            var altered = bytes
            altered[altered.count - 1] ^= 1
            try file.run("UPDATE \(table) SET \(column) = \(literal(altered)) WHERE \(row)")
            let again = try sample.anna.opened()
            let findings = try await again.store.audit().findings
            #expect(
                findings.contains(
                    Finding(
                        check: .records, subject: .change(sample.anna.store.origin, sequence),
                        problem: "isn't noted with what its author had seen")), "\(findings)")
            try await again.store.close()
            try file.run("UPDATE \(table) SET \(column) = \(literal(bytes)) WHERE \(row)")
        }
    }

    /// Its next edit would be merged without the one that isn't noted.
    @Test func anEditThatIsNotNotedWithItsRecordIsNamed() async throws {
        let sample = try await Sample()
        let findings = try await sample.findings(
            after: "DELETE FROM touch WHERE change = (SELECT max(change) FROM touch)")
        #expect(
            findings.contains { $0.problem == "isn't noted with a record that it changed" },
            "\(findings)")
    }

    @Test func anAlteredDigestIsNamed() async throws {
        let findings = try await Sample().findings(
            after: "UPDATE casebook SET digest = zeroblob(32)")
        #expect(findings == [Self.digest])
    }

    /// As many conflicts as before, but not the same.
    @Test func aConflictOfAnotherFieldIsNamed() async throws {
        let sample = try await Sample()
        let findings = try await sample.findings(after: "UPDATE conflict SET field = 'note'")
        #expect(
            findings == [
                Self.of(record: sample.shared, "is noted with other conflicts than it has")
            ])
    }

    @Test func aConflictOfAnotherRecordIsNamed() async throws {
        let sample = try await Sample()
        let moved = try await sample.findings(after: "UPDATE conflict SET n = n + 4096")
        #expect(moved.count == 2, "\(moved)")
        #expect(
            moved.allSatisfy { $0.problem == "is noted with other conflicts than it has" })
        let strange = try await Sample().findings(after: "UPDATE conflict SET n = 1")
        #expect(
            strange.contains {
                $0.problem == "notes conflicts of 1 records that aren't here"
            })
    }

    @Test func whatIsErasedAndStillHereIsNamed() async throws {
        let sample = try await Sample()
        try await sample.anna.store.close()
        let file = SQLiteFile(sample.anna.path)
        let row = "lane = 1 AND first = 4"
        let bytes = try #require(file.blobs("SELECT bytes FROM batch WHERE \(row)").first)
        let again = try sample.anna.opened()
        try await again.erase(sample.plain)
        #expect(try await again.store.finishErasures())
        #expect(try await again.store.audit().findings == [])
        try await again.store.close()
        try file.run("UPDATE batch SET bytes = \(literal(bytes)) WHERE \(row)")
        let findings = try await again.opened().store.audit().findings
        #expect(
            findings == [
                Finding(
                    check: .erasures, subject: .change(sample.anna.store.origin, 4),
                    problem: "still holds what was erased")
            ])
    }

    /// A casebook of thousands may be damaged in thousands of places.
    @Test func oneHundredFindingsAreListedAndTheOthersCounted() async throws {
        let anna = try await TestNode.founder()
        for _ in 0..<120 { try await anna.create("note", write("title", "x")) }
        try await anna.store.close()
        try SQLiteFile(anna.path).run("UPDATE record SET doc = '{}'")
        let report = try await anna.opened().store.audit()
        #expect(report.findings.count == 100)
        #expect(report.counts == [.records: 120, .digest: 1])
        #expect(report.moreFindings == 21)
    }

    @Test func progressEndsWhereItWasToEnd() async throws {
        let sample = try await Sample()
        let progress = AuditProgress()
        _ = try await sample.anna.store.audit(progress)
        #expect(progress.total == 26)
        #expect(progress.done == progress.total)
    }
}

/// A blob as SQL has it.
private func literal(_ bytes: [UInt8]) -> String {
    "X'" + bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined() + "'"
}
