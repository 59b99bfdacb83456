/// The English wordings in which reports give dates: `mid-July 2025`, `summer 2025`,
/// `26 February 2026`, `before 2020`, `between May 2024 and June 2024`, `a Thursday after 2020`.
///
/// Read word by word from the left; each function takes its words off the front or leaves all.
struct DateWording {
    private var words: ArraySlice<String>

    /// Whether `text` is such a wording from beginning to end.
    static func isWellFormed(_ text: String) -> Bool {
        let words = text.lowercased().split { $0 == " " || $0 == "," }.flatMap { splitPart($0) }
        guard !words.isEmpty, words.count <= 12 else { return false }
        if words == ["unknown"] || words == ["date", "unknown"] { return true }
        var wording = DateWording(words: words[...])
        return wording.takeDate() && wording.words.isEmpty
    }

    /// `mid-july` is two words, `2025-07` is one.
    private static func splitPart(_ word: some StringProtocol) -> [String] {
        let parts = word.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, DateWording.parts.contains(String(parts[0])) else {
            return [String(word)]
        }
        return parts.map { String($0) }
    }

    private mutating func takeDate() -> Bool {
        if take("between") { return takeSpan() && take("and") && takeSpan() }
        if take("from") { return takeSpan() && (take("to") || take("until")) && takeSpan() }
        if takeWeekday() { return words.isEmpty || takeSide() && takeSpan() || takeSpan() }
        _ = takeAny(of: DateWording.hedges) || takeSide()
        return takeSpan()
    }

    /// A day, part of a month, month, season, part of a year, or year.
    private mutating func takeSpan() -> Bool {
        _ = take("the")
        if takeAny(of: DateWording.parts) { _ = take("of") }
        if takeAny(of: DateWording.seasons) { return takeOfYear() }
        if let month = takeMonth() { return takeAfter(month: month) }
        if let day = leadingDay, words.count > 1 { return take(day: day) }
        guard let first = words.first, ImpreciseDate.isPoint(first) else { return false }
        words.removeFirst()
        return true
    }

    /// `July 2025`, `July 26 2026`.
    private mutating func takeAfter(month: Int) -> Bool {
        if let day = leadingDay, words.count > 1 {
            words.removeFirst()
            return takeYear(month: month, day: day)
        }
        return takeOfYear()
    }

    /// `26 February 2026`.
    private mutating func take(day: Int) -> Bool {
        words.removeFirst()
        _ = take("of")
        guard let month = takeMonth() else { return false }
        return takeYear(month: month, day: day)
    }

    private mutating func takeYear(month: Int, day: Int) -> Bool {
        guard let year = words.first else { return false }
        let digits = [month, day].map { ($0 < 10 ? "0" : "") + String($0) }
        words.removeFirst()
        return ImpreciseDate.isPoint("\(year)-\(digits[0])-\(digits[1])")
    }

    private mutating func takeOfYear() -> Bool {
        _ = take("of")
        guard let year = words.first, year.utf8.count == 4, ImpreciseDate.isPoint(year) else {
            return false
        }
        words.removeFirst()
        return true
    }

    /// `26`, `26th`; one or two digits, so never a year.
    private var leadingDay: Int? {
        guard var word = words.first?.utf8[...] else { return nil }
        for ending in ["st", "nd", "rd", "th"] where words.first?.hasSuffix(ending) == true {
            word = word.dropLast(2)
        }
        return word.count <= 2 ? Digits.number(Array(word)) : nil
    }

    private mutating func takeMonth() -> Int? {
        guard let word = words.first else { return nil }
        let stem = word.hasSuffix(".") ? String(word.dropLast()) : word
        let index = DateWording.months.firstIndex { month in
            month == stem || stem.utf8.count >= 3 && stem.utf8.count <= 4 && month.hasPrefix(stem)
        }
        guard let index else { return nil }
        words.removeFirst()
        return index + 1
    }

    private mutating func takeWeekday() -> Bool {
        let before = words
        _ = take("a") || take("on")
        if takeAny(of: DateWording.weekdays) { return true }
        words = before
        return false
    }

    private mutating func takeSide() -> Bool { takeAny(of: DateWording.sides) }

    private mutating func take(_ word: String) -> Bool {
        guard words.first == word else { return false }
        words.removeFirst()
        return true
    }

    private mutating func takeAny(of choices: Set<String>) -> Bool {
        guard let first = words.first, choices.contains(first) else { return false }
        words.removeFirst()
        return true
    }

    private static let parts: Set<String> = [
        "early", "mid", "late", "beginning", "middle", "end", "start",
    ]
    private static let seasons: Set<String> = ["spring", "summer", "autumn", "fall", "winter"]
    private static let hedges: Set<String> = [
        "about", "around", "circa", "c.", "ca.", "approximately", "probably", "possibly",
    ]
    private static let sides: Set<String> = ["before", "after", "since", "until", "by", "in"]
    private static let weekdays: Set<String> = [
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    ]
    private static let months = [
        "january", "february", "march", "april", "may", "june", "july", "august", "september",
        "october", "november", "december",
    ]
}
