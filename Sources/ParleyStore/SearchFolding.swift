import Foundation

/// Makes spellings alike that people don't tell apart when they search.
///
/// Latin loses its diacritics, Arabic its vowel marks, its lengthening stroke and the differences
/// between forms of alef, ya and ta marbuta that are written now one way and now the other. Texts
/// are folded before they are indexed and words before they are looked up; SQLite's own tokenizer
/// misses the Arabic half. Other scripts keep their marks, where these tell letters apart.
package enum SearchFolding {
    /// The folded words of a text, in order.
    package static func words(of text: [UInt8]) -> [String] {
        guard !text.allSatisfy({ $0 < 0x80 }) else { return plainWords(of: text) }
        var words: [String] = []
        var word = String.UnicodeScalarView()
        for scalar in folded(text) {
            if isPartOfWord(scalar) {
                word.append(scalar)
            } else if !word.isEmpty {
                words.append(withoutArticle(word))
                word = String.UnicodeScalarView()
            }
        }
        if !word.isEmpty { words.append(withoutArticle(word)) }
        return words
    }

    /// An Arabic word without the article that is written together with it, where at least three
    /// letters are left. Words that only look as if they had one lose it on both sides alike.
    private static func withoutArticle(_ word: String.UnicodeScalarView) -> String {
        let article: [Unicode.Scalar] = ["\u{627}", "\u{644}"]
        guard word.starts(with: article), word.count >= article.count + 3 else {
            return String(word)
        }
        return String(word.dropFirst(article.count))
    }

    /// Adds the folded words of a text, a blank before each.
    package static func append(_ text: [UInt8], to words: inout [UInt8]) {
        guard text.allSatisfy({ $0 < 0x80 }) else {
            for word in self.words(of: text) {
                words.append(UInt8(ascii: " "))
                words.append(contentsOf: word.utf8)
            }
            return
        }
        words.append(UInt8(ascii: " "))
        for byte in text {
            let isWord = isPartOfWord(byte)
            words.append(isWord ? (isCapital(byte) ? byte | 0x20 : byte) : UInt8(ascii: " "))
        }
    }

    /// The words of ASCII, without asking for the properties of every character.
    private static func plainWords(of text: [UInt8]) -> [String] {
        text.split { !isPartOfWord($0) }.map { word in
            String(
                decoding: word.map { isCapital($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
        }
    }

    private static func isPartOfWord(_ byte: UInt8) -> Bool {
        isCapital(byte) || isCapital(byte & ~0x20) && byte >= UInt8(ascii: "a")
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isCapital(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    /// The folded text, composed again so that marks that stay are in one form.
    private static func folded(_ text: [UInt8]) -> String.UnicodeScalarView {
        let string = String(decoding: text, as: UTF8.self).lowercased()
        var result = String.UnicodeScalarView()
        var base: Unicode.Scalar?
        for scalar in string.decomposedStringWithCanonicalMapping.unicodeScalars {
            if isDropped(scalar, after: base) { continue }
            if scalar.properties.canonicalCombiningClass == .notReordered { base = scalar }
            if let replacement = replacements[scalar] {
                result.append(contentsOf: replacement.unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result).precomposedStringWithCanonicalMapping.unicodeScalars
    }

    private static func isDropped(_ scalar: Unicode.Scalar, after base: Unicode.Scalar?) -> Bool {
        switch scalar.value {
        // Combining marks of Latin letters; in Cyrillic they make other letters.
        case 0x300...0x36f: base.map { isLatin($0) } ?? true
        // Arabic vowel marks, superscript alef, tatweel.
        case 0x64b...0x652, 0x670, 0x640: true
        // Madda and hamza on alef; on waw and ya they are letters of their own.
        case 0x653...0x655: base?.value == 0x627
        default: false
        }
    }

    private static func isLatin(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x41...0x5a, 0x61...0x7a, 0xc0...0x24f, 0x1e00...0x1eff: true
        default: false
        }
    }

    private static func isPartOfWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return isPartOfWord(UInt8(scalar.value)) }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .nonspacingMark, .spacingMark, .decimalNumber, .letterNumber, .otherNumber:
            return true
        default: return false
        }
    }

    /// Letters that don't decompose but are typed without what distinguishes them.
    private static let replacements: [Unicode.Scalar: String] = [
        // Alef wasla; alef maqsura and Persian ya; ta marbuta; Persian kaf.
        "\u{671}": "\u{627}", "\u{649}": "\u{64a}", "\u{6cc}": "\u{64a}", "\u{629}": "\u{647}",
        "\u{6a9}": "\u{643}",
        "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th",
        "ð": "d",
    ]
}

extension Document {
    /// Every text shown, the elements of sets included.
    var texts: [(field: Field, text: [UInt8])] {
        fields.flatMap { field -> [(Field, [UInt8])] in
            switch field.shown {
            case .absent: []
            case .text(let text): [(field, text)]
            case .elements(let elements): elements.map { (field, $0) }
            }
        }
    }
}
