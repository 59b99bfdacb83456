/// Texts of any length next to each other under common row labels; below each other where the
/// terminal is too narrow to read them side by side.
struct ComparisonGrid {
    private static let gap = "  "
    /// Narrower columns than this are harder to read than blocks below each other.
    private static let narrowest = 18
    private static let widest = 44
    /// Where output isn't a terminal.
    private static let usualWidth = 100

    let labels: [String]
    /// One text per label, the first being the column's heading.
    var columns: [[String]] = []

    init(labels: [String]) {
        self.labels = labels
    }

    func text(on screen: Screen) -> String {
        let margin = "  ".count + (labels.map { DisplayWidth.of($0) }.max() ?? 0)
        let available = (screen.columns ?? Self.usualWidth) - margin
        let share = available / max(1, columns.count) - Self.gap.count
        return share < Self.narrowest
            ? stacked(margin: margin, on: screen)
            : sideBySide(margin: margin, limit: min(share, Self.widest), on: screen)
    }

    private func sideBySide(margin: Int, limit: Int, on screen: Screen) -> String {
        let widths = columns.map { column in
            min(limit, column.reduce(0) { max($0, Self.widestLine($1)) })
        }
        return labels.indices.map { row in
            let cells = columns.indices.map { index in
                Columns.wrapped(PrintableText.lines(columns[index][row]), to: widths[index])
            }
            let height = cells.map(\.count).max() ?? 0
            return (0..<height).map { line in
                let label = Columns.padded("  " + (line == 0 ? labels[row] : ""), to: margin)
                return screen.paint(label, .faint)
                    + joined(cells.map { line < $0.count ? $0[line] : "" }, widths, row, screen)
            }.joined()
        }.joined()
    }

    private func joined(
        _ texts: [String], _ widths: [Int], _ row: Int, _ screen: Screen
    ) -> String {
        let mixes = texts.contains { DisplayWidth.runsRightToLeft($0) }
        let mark = screen.columns != nil && mixes ? "\u{200e}" : ""
        var line = ""
        var pending = ""
        for (text, width) in zip(texts, widths) {
            if !text.isEmpty {
                line += pending + Self.gap + mark + screen.paint(text, row == 0 ? .title : .plain)
                pending = ""
            } else {
                pending += Self.gap
            }
            pending += String(repeating: " ", count: width - DisplayWidth.of(text))
        }
        return line + "\n"
    }

    private func stacked(margin: Int, on screen: Screen) -> String {
        columns.map { column in
            var block = screen.paint(column[0], .title) + "\n"
            for row in labels.indices.dropFirst() where !column[row].isEmpty {
                let width = (screen.columns ?? Self.usualWidth) - margin - Self.gap.count
                let lines = Columns.wrapped(PrintableText.lines(column[row]), to: width)
                let indent = String(repeating: " ", count: margin + Self.gap.count)
                block += screen.paint(Columns.padded("  " + labels[row], to: indent.count), .faint)
                block += lines.joined(separator: "\n" + indent) + "\n"
            }
            return block
        }.joined(separator: "\n")
    }

    private static func widestLine(_ text: String) -> Int {
        text.split(whereSeparator: \.isNewline).reduce(0) { max($0, DisplayWidth.of($1)) }
    }
}
