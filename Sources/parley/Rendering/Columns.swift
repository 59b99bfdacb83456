/// Fitting text into a number of columns.
package enum Columns {
    /// The beginning of the text, ending in `…` where something is left out.
    package static func shortened(_ text: String, to width: Int) -> String {
        guard DisplayWidth.of(text) > width else { return text }
        var shown = ""
        var used = 0
        for character in text {
            let next = used + DisplayWidth.of(character)
            guard next <= width - 1 else { break }
            shown.append(character)
            used = next
        }
        return shown + "…"
    }

    /// The text in lines of at most `width` columns, broken at spaces where there are any.
    package static func wrapped(_ text: String, to width: Int) -> [String] {
        let paragraphs = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return paragraphs.flatMap { wrappedParagraph($0, to: max(1, width)) }
    }

    /// Fills up with spaces on the right.
    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - DisplayWidth.of(text)))
    }

    private static func wrappedParagraph(_ text: Substring, to width: Int) -> [String] {
        var lines: [String] = []
        // `nil` where the next word begins a line; an empty one is the space before the next word.
        var line: String?
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let candidate = line.map { $0 + " " + word } ?? String(word)
            if DisplayWidth.of(candidate) <= width {
                line = candidate
                continue
            }
            if let line { lines.append(line) }
            var pieces = cut(word, to: width)
            line = pieces.popLast()
            lines.append(contentsOf: pieces)
        }
        return lines + [line ?? ""]
    }

    /// A word longer than a line, cut into lines.
    private static func cut(_ word: Substring, to width: Int) -> [String] {
        var pieces: [String] = []
        var piece = ""
        for character in word {
            if !piece.isEmpty, DisplayWidth.of(piece) + DisplayWidth.of(character) > width {
                pieces.append(piece)
                piece = ""
            }
            piece.append(character)
        }
        pieces.append(piece)
        return pieces
    }
}
