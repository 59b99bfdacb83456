import ParleyCasework
import Testing

/// Each form a source may use is accepted as it stands, and nothing else is.
@Suite struct ImpreciseDateTests {
    @Test(arguments: [
        "2026-02-26", "2025-07", "2025", "2025-07~", "2025-07?", "2025-07%", "2025-21", "2025-24",
        "201X", "20XX", "2025-XX", "2025-07-XX", "2025-XX-XX", "2024-02-29", "2026-02-26T10:42",
        "2026-02-26T10:42:30Z", "2026-02-26T10:42+03:00",
    ])
    func acceptsPointsOfTheNotation(text: String) {
        #expect(ImpreciseDate.isWellFormed(text))
    }

    @Test(arguments: [
        "2025-07/2025-10", "../2020", "2020/..", "/2020", "2025-07-01/2025-07-01",
        "[2025-07-01,2025-07-03]", "[2025-07-01, 2025-07-03]", "[..2020]", "[2024..2025,2027]",
        "2025-07~/2025-10?",
    ])
    func acceptsIntervalsAndAlternatives(text: String) {
        #expect(ImpreciseDate.isWellFormed(text))
    }

    @Test(arguments: [
        "summer 2025", "mid-July 2025", "mid July 2025", "early 2025", "late summer 2025",
        "end of July 2025", "July 2025", "26 February 2026", "26th of February 2026",
        "February 26, 2026", "about July 2025", "circa 2020", "before 2020", "after 2020",
        "since July 2025", "between May 2024 and June 2024", "from May 2024 to June 2024",
        "a Thursday after 2020", "Thursday", "Sept. 2025", "unknown", "Unknown", "٢٠٢٦-٠٢-٢٦",
        "۲۰۲۵-۰۷", "٢٦ February ٢٠٢٦", "٢٠٢٥-٠٧/٢٠٢٥-١٠",
    ])
    func acceptsPlainWordings(text: String) {
        #expect(ImpreciseDate.isWellFormed(text))
    }

    @Test(arguments: [
        "2026-02-30", "2025-02-29", "2025-13", "2025-00", "2025-25", "2025-04-31", "20265", "26",
        "2X25", "2025-XX-03", "202X-07", "../..", "/", "2025-10/2025-07", "2025/2026/2027", "[]",
        "2025-07-01,2025-07-03", "30 February 2026", "February 30, 2026", "summer", "July",
        "yesterday", "", " 2025", "before", "between 2024", "2026-02-26T25:00", "mid-", "-",
        "2025~~", "of 2025", "99 July 2025", "٢٠٢٦-٠٢-٣٠",
    ])
    func refusesWhatIsNoDate(text: String) {
        #expect(!ImpreciseDate.isWellFormed(text))
    }

    @Test func refusesLongTextWithoutReadingIt() {
        #expect(!ImpreciseDate.isWellFormed(String(repeating: "2025,", count: 10_000)))
    }
}
