/// Figures as exact as their source: a number, a range, a bound, an approximation or a word. Only
/// the form is checked and the wording kept, in whatever digits it was typed; sums over them are intervals and come later.
package enum ImpreciseCount {
    static let acceptedForms =
        "a count as exact as the source gives it, for example `61`, `25-30`, `>2000`, "
        + "`at least 12`, `~300`, `dozens`, `tens of thousands` or `unknown`"

    /// - Complexity: O(length).
    package static func isWellFormed(_ text: String) -> Bool {
        guard text.utf8.count <= 100 else { return false }
        let lowercased = text.withWesternDigits.lowercased()
        if words.contains(lowercased) || number(lowercased) != nil { return true }
        return isBound(lowercased) || isRange(lowercased) || isScaled(lowercased)
    }

    /// A sign or words before a number or another vague word: `>2000`, `more than 12`,
    /// `about a dozen`.
    private static func isBound(_ text: String) -> Bool {
        for prefix in prefixes where text.hasPrefix(prefix) {
            let rest = String(text.dropFirst(prefix.count).drop { $0 == " " })
            if number(rest) != nil || isRange(rest) || isScaled(rest) || words.contains(rest) {
                return true
            }
        }
        return false
    }

    /// `25-30`, `25–30`, `25 to 30`, `between 25 and 30`: the lower end first.
    private static func isRange(_ text: String) -> Bool {
        for separator in ["-", "–", " to ", " and "] {
            let ends = text.split(separator: separator, omittingEmptySubsequences: false)
            guard ends.count == 2 else { continue }
            let start = ends[0].hasPrefix("between ") ? ends[0].dropFirst(8) : ends[0]
            guard let low = number(start), let high = number(ends[1]) else { continue }
            return low <= high
        }
        return false
    }

    /// `2 million`, `several hundred`, `a dozen`.
    private static func isScaled(_ text: String) -> Bool {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, scales.contains(String(parts[1])) else { return false }
        return number(parts[0]) != nil || multipliers.contains(String(parts[0]))
    }

    /// Digits, with commas between groups of three where given.
    private static func number(_ text: some StringProtocol) -> Int? {
        let groups = text.split(separator: ",", omittingEmptySubsequences: false)
        let isGrouped =
            (1...3).contains(groups[0].utf8.count)
            && groups.dropFirst().allSatisfy { $0.utf8.count == 3 }
        guard groups.count == 1 || isGrouped else { return nil }
        return Digits.number(Array(groups.joined().utf8))
    }

    private static let prefixes = [
        ">=", "<=", ">", "<", "≥", "≤", "~", "at least ", "at most ", "more than ", "over ",
        "fewer than ", "less than ", "under ", "up to ", "about ", "around ", "approximately ",
        "some ", "nearly ", "almost ", "no more than ", "no fewer than ",
    ]
    private static let words: Set<String> = [
        "unknown", "none", "few", "a few", "some", "several", "many", "a dozen", "dozens",
        "scores", "a hundred", "hundreds", "a thousand", "thousands", "tens of thousands",
        "hundreds of thousands", "millions", "one", "two", "three", "four", "five", "six",
        "seven", "eight", "nine", "ten", "eleven", "twelve", "all",
    ]
    private static let multipliers: Set<String> = ["a", "one", "two", "three", "several", "a few"]
    private static let scales: Set<String> = [
        "dozen", "hundred", "thousand", "million", "dozens", "hundreds", "thousands",
    ]
}
