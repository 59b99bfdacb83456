extension String {
    /// The text with Arabic-Indic and Persian digits, and the Arabic marks between groups and
    /// clauses, as the ASCII ones that mean the same: for reading a figure or a date, while what is
    /// kept is the text itself.
    package var withWesternDigits: String {
        guard unicodeScalars.contains(where: { String.western($0) != $0 }) else { return self }
        var text = UnicodeScalarView()
        text.append(contentsOf: unicodeScalars.map(String.western))
        return String(text)
    }

    private static func western(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.value {
        case 0x0660...0x0669: Unicode.Scalar(UInt8(scalar.value - 0x0660 + 0x30))
        case 0x06F0...0x06F9: Unicode.Scalar(UInt8(scalar.value - 0x06F0 + 0x30))
        case 0x066C, 0x060C: ","  // Arabic thousands separator, Arabic comma
        default: scalar
        }
    }
}
