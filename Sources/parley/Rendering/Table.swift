/// Rows and columns of short texts, aligned by display width.
package struct Table {
    package enum Alignment { case left, right }

    package struct Column {
        let title: String
        var alignment = Alignment.left
    }

    package struct Cell: ExpressibleByStringInterpolation {
        let text: String
        let style: Style

        init(_ text: String, _ style: Style = .plain) {
            self.text = PrintableText.line(text)
            self.style = style
        }

        package init(stringLiteral text: String) { self.init(text) }
    }

    /// Between two columns.
    private static let gap = 2
    /// No column is squeezed below this to fit a terminal.
    private static let narrowest = 8

    let columns: [Column]
    package var rows: [[Cell]] = []

    init(columns: [Column]) {
        self.columns = columns
    }

    /// - Parameter right: the titles of columns that hold figures.
    package init(_ titles: String..., right: Set<String> = []) {
        columns = titles.map {
            Column(title: $0, alignment: right.contains($0) ? .right : .left)
        }
    }

    /// The table with its heading, or an empty text where it has no rows.
    package func text(on screen: Screen) -> String {
        guard !rows.isEmpty else { return "" }
        let widths = widths(within: screen.columns)
        let heading = columns.map { Cell($0.title, .faint) }
        return ([heading] + rows).map { line($0, widths: widths, on: screen) }.joined()
    }

    private func line(_ cells: [Cell], widths: [Int], on screen: Screen) -> String {
        // A strong left-to-right mark before each cell keeps a terminal that reorders
        // right-to-left text from swapping neighbouring columns.
        let mixes = cells.contains { DisplayWidth.runsRightToLeft($0.text) }
        let mark = screen.columns != nil && mixes ? "\u{200e}" : ""
        var line = ""
        for (index, cell) in cells.enumerated() {
            let shown = Columns.shortened(cell.text, to: widths[index])
            let padding = String(repeating: " ", count: widths[index] - DisplayWidth.of(shown))
            let painted = mark + screen.paint(shown, cell.style)
            switch columns[index].alignment {
            case .left: line += painted + padding
            case .right: line += padding + painted
            }
            line += String(repeating: " ", count: Self.gap)
        }
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }

    /// Natural widths, the widest columns squeezed until the whole fits.
    private func widths(within limit: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(DisplayWidth.of(columns[index].title)) {
                max($0, DisplayWidth.of($1[index].text))
            }
        }
        guard let limit else { return widths }
        var excess = widths.reduce(0, +) + Self.gap * (columns.count - 1) - limit
        while excess > 0, let widest = widths.max(), widest > Self.narrowest {
            let index = widths.lastIndex(of: widest) ?? 0
            widths[index] -= 1
            excess -= 1
        }
        return widths
    }
}
