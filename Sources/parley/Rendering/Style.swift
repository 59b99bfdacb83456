/// What a piece of text is, so that a terminal with colours can show it.
enum Style {
    case plain
    case title
    case faint
    case good
    case attention

    /// The parameters of the escape sequence, `nil` for plain text.
    fileprivate var code: String? {
        switch self {
        case .plain: nil
        case .title: "1"
        case .faint: "2"
        case .good: "32"
        case .attention: "33"
        }
    }
}

/// Where pages are shown: how wide it is, and whether it knows colours.
package struct Screen: Sendable {
    /// `nil` where output isn't a terminal: nothing is shortened for a file or a pipe.
    let columns: Int?
    let hasColour: Bool

    package static let plain = Screen(columns: nil, hasColour: false)

    package init(columns: Int?, hasColour: Bool) {
        self.columns = columns
        self.hasColour = hasColour
    }

    func paint(_ text: String, _ style: Style) -> String {
        guard hasColour, !text.isEmpty, let code = style.code else { return text }
        return "\u{1b}[\(code)m\(text)\u{1b}[0m"
    }
}
