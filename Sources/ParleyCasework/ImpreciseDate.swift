/// Dates as precise as their source: neither padded to a first of the month nor refused for being
/// vague. So far only the form is checked and the wording kept, in whatever digits; what a date spans is worked out
/// where it is compared.
///
/// Two notations: EDTF (ISO 8601-2:2019, levels 0 and 1, and sets of alternatives from level 2),
/// and the plain English wordings reports use (`DateWording`).
package enum ImpreciseDate {
    static let acceptedForms =
        "a date as exact as the source gives it, for example `2026-02-26`, `2025-07`, `2025-07~`, "
        + "`2025-21` or `summer 2025`, `mid-July 2025`, `2025-07/2025-10`, `../2020`, "
        + "`[2025-07-01,2025-07-03]` or `unknown`"

    /// - Complexity: O(length); nothing nests deeper than an alternative within a set.
    package static func isWellFormed(_ text: String) -> Bool {
        guard text.utf8.count <= 200, text.first != " ", text.last != " " else { return false }
        let western = text.withWesternDigits
        return isNotation(western) || DateWording.isWellFormed(western)
    }

    /// Whether `text` is EDTF.
    static func isNotation(_ text: some StringProtocol) -> Bool {
        if text.hasPrefix("["), text.hasSuffix("]") {
            return isAlternatives(text.dropFirst().dropLast())
        }
        let ends = text.split(separator: "/", omittingEmptySubsequences: false)
        return switch ends.count {
        case 1: isPoint(text)
        case 2: isInterval(from: ends[0], to: ends[1])
        default: false
        }
    }

    /// A day, month, season or year, qualified or not; no interval.
    static func isPoint(_ text: some StringProtocol) -> Bool {
        var bytes = Array(text.utf8)
        if let last = bytes.last, "?~%".utf8.contains(last) { bytes.removeLast() }
        if let point = CalendarPoint(bytes) { return point.isOnCalendar }
        return isTimed(bytes)
    }

    /// `..` and an empty end stand for open and unknown.
    private static func isInterval(
        from start: some StringProtocol, to end: some StringProtocol
    ) -> Bool {
        let isOpenStart = start.isEmpty || start == ".."
        let isOpenEnd = end.isEmpty || end == ".."
        guard !(isOpenStart && isOpenEnd) else { return false }
        guard isOpenStart || isPoint(start), isOpenEnd || isPoint(end) else { return false }
        return isOpenStart || isOpenEnd || isInOrder(start, end)
    }

    /// Whether an interval doesn't end before it begins, as far as both ends are plain.
    private static func isInOrder(
        _ start: some StringProtocol, _ end: some StringProtocol
    ) -> Bool {
        guard let first = CalendarPoint(Array(start.utf8)),
            let last = CalendarPoint(Array(end.utf8)), let low = first.ordinal,
            let high = last.ordinal
        else { return true }
        return zip(low, high).first { $0 != $1 }.map { $0 < $1 } ?? true
    }

    /// `a,b`, `a..b`, `..b` and `a..` within brackets.
    private static func isAlternatives(_ text: some StringProtocol) -> Bool {
        let members = text.split(separator: ",", omittingEmptySubsequences: false)
        return members.allSatisfy { member in
            let trimmed = member.drop { $0 == " " }
            guard let dots = trimmed.firstRange(of: "..") else { return isPoint(trimmed) }
            return isInterval(
                from: trimmed[..<dots.lowerBound], to: trimmed[dots.upperBound...])
        }
    }

    /// A day with a time of day: `2026-02-26T10:42`, seconds and zone as given.
    private static func isTimed(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 16, bytes[10] == UInt8(ascii: "T"),
            let day = CalendarPoint(Array(bytes[..<10])), day.isOnCalendar,
            let clock = Digits.pair(bytes, at: 11), clock < 24, bytes[13] == UInt8(ascii: ":"),
            let minute = Digits.pair(bytes, at: 14), minute < 60
        else { return false }
        var rest = bytes[16...]
        if rest.first == UInt8(ascii: ":") {
            guard let second = Digits.pair(bytes, at: 17), second < 60 else { return false }
            rest = bytes[19...]
        }
        return isZone(Array(rest))
    }

    private static func isZone(_ bytes: [UInt8]) -> Bool {
        if bytes.isEmpty || bytes == [UInt8(ascii: "Z")] { return true }
        guard bytes.count == 6, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
            bytes[3] == UInt8(ascii: ":"), let hour = Digits.pair(bytes, at: 1), hour < 15,
            let minute = Digits.pair(bytes, at: 4), minute < 60
        else { return false }
        return true
    }
}
