import ParleyTestSupport
import Testing
import parley

/// Which casebook a command is about, where there are several.
@Suite struct CasebookChoiceTests {
    @Test func theOptionGoesBeforeTheEnvironment() throws {
        let workplace = try Workplace()
        let node = TestNode.founder("amal", in: workplace)
        node.parley("casebook", "create", "aleppo")
        let unclear = node.parley("casebook", "show", exits: 3)
        #expect(unclear.errors.contains("PARLEY_CASEBOOK"))
        func shown(_ arguments: String) -> String {
            workplace.shell(
                "PARLEY_CASEBOOK=aleppo parley casebook show \(arguments)", home: node.home
            ).output
        }
        #expect(shown("").hasPrefix("aleppo  "))
        #expect(shown("--casebook sweida").hasPrefix("sweida  "))
        let wrong = workplace.shell(
            "PARLEY_CASEBOOK=homs parley list", home: node.home)
        #expect(wrong.exitCode == 3)
        #expect(wrong.errors.contains("`homs`"))
    }
}

@Suite struct NamingTests {
    private static let origins = [
        "a1b2c3d4e5f60718.7d00000000000001", "a1b2ffffe5f60718.1100000000000001",
        "77e0c3d4e5f60718.aa00000000000001", "77e0c3d4e5f60718.ab00000000000001",
    ]

    @Test(arguments: [
        ("a1b2c3d4e5f60718.7d00000000000001:42", "a1b2c:42"),
        ("77e0c3d4e5f60718.aa00000000000001:7", "77e0.aa:7"),
        ("77e0c3d4e5f60718.aa00000000000001:7~0011aabb", "77e0.aa:7~0011aabb"),
        ("c0dec3d4e5f60718.aa00000000000001:1", "c0de:1"),
        ("something else", "something else"),
    ])
    func changesGetTheShortestNameThatFitsOnlyOneLog(change: String, short: String) {
        #expect(ShortNames.change(change, among: Self.origins) == short)
    }

    @Test func recordsGetAsManyDigitsAsTellThemApart() {
        let ids = ["3f9a01c2d4", "3f9a01c2e5", "3f9a01c2e6", "77e0c3d4ff"]
        let names = ShortRecordIDs(ids + ids)
        #expect(
            ids.map { names[$0] } == ["3f9a01c2d", "3f9a01c2e5", "3f9a01c2e6", "77e0c3d4"])
    }

    /// `list --limit 0` of a large casebook; comparing every two of them would take minutes.
    @Test(.timeLimit(.minutes(1))) func aHundredThousandRecordsAreNamedInNoTime() {
        let ids = (0..<100_000).map { number in
            String(UInt64(number) &* 0x9e37_79b9_7f4a_7c15, radix: 16)
        }
        let names = ShortRecordIDs(ids)
        #expect(Set(ids.map { names[$0] }).count == Set(ids).count)
    }

    @Test func timesAreShownAsTheWallClockHasThem() throws {
        let time = try #require(LocalTime("2026-02-28T22:30:07.250Z") { _ in 3 * 3_600 })
        #expect(time.dateAndClock == "2026-03-01 01:30")
        #expect(time.preciseClock == "01:30:07.250")
        let leapDay = try #require(LocalTime("2024-02-29T00:30:00Z") { _ in -3_600 })
        #expect(leapDay.dateAndClock == "2024-02-28 23:30")
        #expect(leapDay < time)
    }

    @Test(arguments: ["", "yesterday", "2026-02-26", "2026-02-26T10:42:00+03:00"])
    func anythingElseIsNoTime(text: String) {
        #expect(LocalTime(text) { _ in 0 } == nil)
    }
}
