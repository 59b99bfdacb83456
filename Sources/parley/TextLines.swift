/// A text file as lines, whatever editor it comes from.
enum TextLines {
    /// Editors on other systems begin files with it; it is no part of the text.
    static let byteOrderMark: Unicode.Scalar = "\u{feff}"

    /// The lines between line feeds, without the carriage returns that end them in some files. Other
    /// signs that end a line in Unicode are part of it: here they can stand in a value.
    static func of(_ text: String) -> [String] {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            String(line.last == "\r" ? line.dropLast() : line)
        }
    }

    static func withoutByteOrderMark(_ text: String) -> String {
        guard text.unicodeScalars.first == byteOrderMark else { return text }
        return String(text.unicodeScalars.dropFirst())
    }
}
