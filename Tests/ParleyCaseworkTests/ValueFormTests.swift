import ParleyCasework
import Testing

/// What is entered is normalised and checked once, and errors never repeat it.
@Suite struct ValueFormTests {
    /// Decomposed Latin, Arabic alef with madda, Hangul, and marks out of canonical order.
    @Test(arguments: [
        ("e\u{301}", "\u{E9}"), ("\u{627}\u{653}", "\u{622}"),
        ("\u{1100}\u{1161}\u{11A8}", "\u{AC01}"), ("a\u{301}\u{323}", "\u{1EA1}\u{301}"),
        ("\u{212B}", "\u{C5}"), ("plain", "plain"),
    ])
    func textIsComposed(entered: String, kept: String) throws {
        #expect(try ValueForm.text.accept(entered) == Array(kept.utf8))
    }

    @Test(arguments: ["a\u{0}", "a\u{1B}[2J", "a\u{7F}", "a\u{85}", "line\nbreak", "a\tb"])
    func controlCharactersAreRefusedInALine(text: String) {
        #expect(throws: ValueError.controlCharacter) { try ValueForm.text.accept(text) }
    }

    @Test func longTextHasLines() throws {
        #expect(try ValueForm.longText.accept("a\n\tb") == Array("a\n\tb".utf8))
        #expect(throws: ValueError.controlCharacter) { try ValueForm.longText.accept("a\r") }
    }

    @Test(arguments: [-1, 0, 1])
    func theLimitIs64KiB(excess: Int) {
        let text = String(repeating: "x", count: ValueForm.maximumByteCount + excess)
        let bytes = try? ValueForm.longText.accept(text)
        #expect((bytes == nil) == (excess > 0))
    }

    @Test func emptyValuesAreRefused() {
        #expect(throws: ValueError.empty) { try ValueForm.text.accept("") }
    }

    @Test func datesAndCountsKeepTheirWording() throws {
        #expect(try ValueForm.date.accept("mid-July 2025") == Array("mid-July 2025".utf8))
        #expect(try ValueForm.count.accept("~300") == Array("~300".utf8))
        #expect(try ValueForm.count.accept("٦١") == Array("٦١".utf8))
        #expect(throws: ValueError.wrongForm) { try ValueForm.date.accept("2026-02-30") }
        #expect(throws: ValueError.wrongForm) { try ValueForm.count.accept("lots") }
    }

    @Test func vocabulariesOnlyAdvise() throws {
        #expect(try ValueForm.choice(.stage).accept("stalled") == Array("stalled".utf8))
        #expect(Vocabulary.allCases.allSatisfy { !$0.codes.isEmpty })
    }

    @Test func referencesAreRecordIDs() throws {
        let id = String(repeating: "3f", count: 16)
        #expect(try ValueForm.reference.accept(id) == Array(id.utf8))
        #expect(throws: ValueError.wrongForm) { try ValueForm.reference.accept("3f9a") }
    }

    @Test func errorsNameTheFormsAndNotTheValue() throws {
        let field = try #require(Schema.casework.type(named: "exchange")["date".asName])
        let error = EntryError(.value(.wrongForm, field: field.name, form: field.form))
        #expect(error.explanation.contains("`date`"))
        #expect(error.explanation.contains("`mid-July 2025`"))
    }
}
