import ParleyNode
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_772_102_550_123, "2026-02-26T10:42:30.123Z"),
        (1_798_761_599_999, "2026-12-31T23:59:59.999Z"),
    ])
    func printsUTC(milliseconds: UInt64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).text == text)
        #expect(Timestamp(text: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        ("2026-02-26T10:42Z", "2026-02-26T10:42:00.000Z"),
        ("2026-02-26T10:42:30.5Z", "2026-02-26T10:42:30.500Z"),
        ("2026-02-26T10:42+03:00", "2026-02-26T07:42:00.000Z"),
        ("2026-02-26 10:42:30Z", "2026-02-26T10:42:30.000Z"),
        ("2026-02-26", "2026-02-26T23:59:59.999Z"), ("2024-02-29", "2024-02-29T23:59:59.999Z"),
    ])
    func readsShorterForms(typed: String, text: String) {
        #expect(Timestamp(text: typed)?.text == text)
    }

    @Test(arguments: [
        "", "yesterday", "2026", "2026-02-26T", "2026-02-26T10Z", "2026-02-26T10:42",
        "2026-13-01", "2026-02-26T24:00Z", "2026-02-26T10:42.5Z", "1969-01-01T00:00Z",
        "2026-02-26T10:42:30.Z", "2026-02-26TZ", "2026-02-26T+03:00", "2026-02-31", "2026-04-31",
        "2026-02-29T10:00Z", "1900-02-29", "2026-00-10", "2026-01-00", "2026-02-26T10:42+99:99",
        "2026-02-26T10:42+24:00", "2026-02-26T10:42-03:60",
    ])
    func refusesOtherTexts(text: String) {
        #expect(Timestamp(text: text) == nil)
    }
}
