/// How far a long piece of work has come, redrawn on one line of a terminal.
package struct ProgressBar {
    private static let width = 30

    let label: String
    let total: Int
    private var shownPercent = -1

    package init(label: String, total: Int) {
        self.label = label
        self.total = total
    }

    /// - Returns: what to write to the terminal, `nil` while the last drawing still holds.
    package mutating func line(at done: Int) -> String? {
        let percent = total > 0 ? min(100, done * 100 / total) : 100
        guard percent != shownPercent else { return nil }
        shownPercent = percent
        let filled = percent * Self.width / 100
        let bar =
            String(repeating: "█", count: filled)
            + String(repeating: "░", count: Self.width - filled)
        return "\r\(label) \(bar) \(percent)%"
    }

    /// Takes the bar off the terminal.
    static let erasure = "\r\u{1b}[K"
}
