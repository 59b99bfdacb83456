import ParleyCasework
import Testing

/// A figure is kept as its source gave it: exact, bounded, approximate or a word.
@Suite struct ImpreciseCountTests {
    @Test(arguments: [
        "0", "61", "2,000", "1,000,000", "25-30", "25–30", "25 to 30", "between 25 and 30",
        ">2000", "> 2000", ">=5", "≤ 12", "at least 12", "more than 2,000", "up to 40", "~300",
        "about 300", "hundreds", "dozens", "thousands", "tens of thousands", "Dozens", "unknown",
        "several hundred", "2 million", "٦١", "۶۱", "٢٬٠٠٠", "~٣٠٠", "٢٥-٣٠", "at least ۱۲",
        "about a dozen", "at least dozens", "more than 25-30",
    ])
    func acceptsFiguresAndWordings(text: String) {
        #expect(ImpreciseCount.isWellFormed(text))
    }

    @Test(arguments: [
        "", "-5", "30-25", "1,00", "12 people", "at least", ">", "~", "5-", "-", "1-2-3", "lots",
        " 61", "1.5", "0x10", ">>5", "٦٬١", "٣٠-٢٥", "६१", "9999999999999999",
    ])
    func refusesWhatIsNoCount(text: String) {
        #expect(!ImpreciseCount.isWellFormed(text))
    }
}
