import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import Testing

/// Damage in a casebook's file, of every kind there is, and what a check says of it.
@Suite struct AuditTests {
    @Test func aSoundCasebookHasNoFindings() async throws {
        let sample = try await AuditSample()
        let report = try await sample.report(after: "SELECT 1")
        #expect(report.findings == [])
        #expect(report.logs == 2)
        #expect(report.records == 6)
        #expect(report.conflicts == 1)
        #expect(report.changes == report.signatures, "every change is a run of its own here")
        #expect(report.changes == 10)
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

    /// Whichever byte of a stored run is another, the check says where.
    @Test func anyOtherByteOfABatchIsFound() async throws {
        let sample = try await AuditSample()
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
        let sample = try await AuditSample()
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
        let sample = try await AuditSample()
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
        let sample = try await AuditSample()
        let findings = try await sample.findings(
            after: "UPDATE batch SET \(change) WHERE lane = \(sample.borisLane) AND first = 3")
        #expect(findings.contains { $0.check == .chains })
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
        let sample = try await AuditSample()
        try await sample.anna.revoke(sample.boris.node)
        try await sample.anna.erase(sample.plain)
        #expect(try await sample.report(after: "SELECT 1").findings == [])
        let report = try await sample.report(after: sql)
        #expect(report.counts[check] != nil, "\(report.findings)")
    }

    /// What an author had seen decides what an edit replaces, also of edits that are still to come.
    @Test func anAlteredContextIsNamed() async throws {
        let sample = try await AuditSample()
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

    @Test func anAlteredDigestIsNamed() async throws {
        let findings = try await AuditSample().findings(
            after: "UPDATE casebook SET digest = zeroblob(32)")
        #expect(findings == [Finding.digest])
    }

    @Test func whatIsErasedAndStillHereIsNamed() async throws {
        let sample = try await AuditSample()
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
        let sample = try await AuditSample()
        let progress = AuditProgress()
        _ = try await sample.anna.store.audit(progress)
        #expect(progress.total == 26)
        #expect(progress.done == progress.total)
    }
}
