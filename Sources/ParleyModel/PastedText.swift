extension String {
    /// The text without the invisible marks of direction that come along when a name is copied from
    /// a page with Arabic on it, without a byte order mark and without spaces around it.
    ///
    /// For names of records and changes only: in a value these marks are the author's.
    package var withoutDirectionMarks: String {
        var scalars = unicodeScalars
        scalars.removeAll { String.isDirectionMark($0) }
        let isSpace = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
        let beginning = scalars.drop(while: isSpace)
        let count = beginning.reversed().drop(while: isSpace).count
        return String(String.UnicodeScalarView(beginning.prefix(count)))
    }

    private static func isDirectionMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x200E, 0x200F, 0x061C, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
