import ParleyTestSupport
import Testing
import parley

@Suite struct DisplayWidthTests {
    @Test(arguments: [
        ("Adra", 4), ("سجن", 3), ("سِجْن", 3), ("王小明", 6), ("é", 1), ("e\u{301}", 1), ("한국", 4),
        ("👩‍👩‍👧", 2), ("\u{200e}a", 1), ("", 0),
    ])
    func countsColumnsOfATerminal(text: String, width: Int) {
        #expect(DisplayWidth.of(text) == width)
    }

    @Test func alignsColumnsOfEveryScript() {
        var table = Table("name", "place")
        table.rows = [["王小明", "x"], ["سِجْن", "y"], ["Zoé", "z"]]
        let lines = table.text(on: .plain).split(separator: "\n")
        let widths = lines.map { line in DisplayWidth.of(line) }
        #expect(widths == [13, 9, 9, 9])
    }

    @Test func keepsColumnsInOrderBesideRightToLeftText() {
        var table = Table("a", "b")
        table.rows = [["سجن", "عدرا"]]
        let terminal = Screen(columns: 80, hasColour: false)
        #expect(table.text(on: terminal).contains("\u{200e}سجن  \u{200e}عدرا"))
        #expect(table.text(on: .plain).contains("سجن  عدرا"), "no marks in what is piped on")
    }

    @Test func fitsATerminalByShorteningTheWidestColumn() {
        var table = Table("record", "title")
        table.rows = [["3f9a01c2", "a title that is much too long for this terminal"]]
        let lines = table.text(on: Screen(columns: 30, hasColour: false)).split(separator: "\n")
        #expect(lines[1] == "3f9a01c2  a title that is muc…")
    }

    @Test func wrapsAtSpacesAndCutsLongWords() {
        #expect(Columns.wrapped("one two three", to: 8) == ["one two", "three"])
        #expect(Columns.wrapped("abcdefghij k", to: 4) == ["abcd", "efgh", "ij k"])
        #expect(Columns.wrapped("a\n\nb", to: 4) == ["a", "", "b"])
        // Two sides of a conflict may differ in nothing else.
        #expect(Columns.wrapped("  a b", to: 8) == ["  a b"])
        #expect(Columns.wrapped("    abcd e", to: 6) == ["   ", "abcd e"])
    }

    @Test func showsControlCharactersInsteadOfObeyingThem() {
        #expect(PrintableText.line("a\u{1b}[2Jb\nc") == "a<1b>[2Jb ⏎ c")
        #expect(PrintableText.lines("a\nb\u{202e}c") == "a\nb<202e>c")
    }
}
