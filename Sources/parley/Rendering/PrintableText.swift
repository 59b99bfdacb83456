/// Makes a value safe and plain to show: what a record holds comes from other people's machines.
///
/// An escape sequence in a value could move the cursor, hide a line or retitle the window, and an
/// unpaired direction override could swap what is shown left and right of it.
package enum PrintableText {
    /// The text with line breaks kept and every other control character made visible.
    package static func lines(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { isHarmful($0) }) else { return text }
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\t" {
                shown.append(contentsOf: "    ".unicodeScalars)
            } else if isHarmful(scalar) {
                shown.append(contentsOf: "<\(hexadecimal(scalar))>".unicodeScalars)
            } else {
                shown.append(scalar)
            }
        }
        return String(shown)
    }

    /// The same on one line, its line breaks shown as `⏎`.
    package static func line(_ text: String) -> String {
        lines(text).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .joined(separator: " ⏎ ")
    }

    /// A JSON document in which every such character is escaped; it means the same.
    package static func json(_ document: String) -> String {
        guard document.unicodeScalars.contains(where: isHarmful) else { return document }
        var shown = String.UnicodeScalarView()
        for scalar in document.unicodeScalars {
            guard isHarmful(scalar) else {
                shown.append(scalar)
                continue
            }
            let digits = hexadecimal(scalar)
            let zeros = String(repeating: "0", count: 4 - digits.count)
            shown.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
        }
        return String(shown)
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0a: false
        case 0..<0x20, 0x7f...0x9f: true
        case 0x202a...0x202e, 0x2066...0x2069: true  // direction embeddings, overrides, isolates
        default: false
        }
    }

    private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return String(repeating: "0", count: max(0, 2 - digits.count)) + digits
    }
}
