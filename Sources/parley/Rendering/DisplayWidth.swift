/// How many columns of a terminal a text takes.
///
/// Aligning by `Character` count breaks as soon as a name carries vowel marks or is written in
/// Chinese. This follows what terminals do: the sum over scalars of nothing for marks and format
/// characters, two for East Asian wide ones, one for the rest; an emoji sequence counts two.
package enum DisplayWidth {
    package static func of(_ text: some StringProtocol) -> Int {
        text.reduce(0) { $0 + of($1) }
    }

    static func of(_ character: Character) -> Int {
        let scalars = character.unicodeScalars
        if scalars.contains(where: isEmoji) { return 2 }
        return scalars.reduce(0) { $0 + of($1) }
    }

    /// Whether the text has letters of a script that runs from right to left.
    static func runsRightToLeft(_ text: some StringProtocol) -> Bool {
        text.unicodeScalars.contains { scalar in
            rightToLeft.contains { $0.contains(scalar.value) }
        }
    }

    private static func of(_ scalar: Unicode.Scalar) -> Int {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7f ? 0 : 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
        }
    }

    private static func isEmoji(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value == 0xfe0f || scalar.properties.isEmojiPresentation
    }

    /// Unicode 16 EastAsianWidth W and F, neighbouring blocks joined.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x4dbf, 0x4e00...0xa4cf, 0xa960...0xa97c,
        0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6,
        0x16fe0...0x18cff, 0x1b000...0x1b2ff, 0x20000...0x3fffd,
    ]

    /// Hebrew, Arabic, Syriac, Thaana, NKo and their presentation forms.
    private static let rightToLeft: [ClosedRange<UInt32>] = [
        0x0590...0x08ff, 0xfb1d...0xfdff, 0xfe70...0xfefc, 0x10800...0x10fff, 0x1e800...0x1efff,
    ]
}
