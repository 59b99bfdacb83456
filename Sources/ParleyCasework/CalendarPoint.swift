/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD` of EDTF, where `X` stands for a digit the source didn't give
/// and months 21 to 24 are seasons.
struct CalendarPoint {
    /// Four places; `nil` where a digit is unspecified.
    private let year: [UInt8]
    private let month: [UInt8]
    private let day: [UInt8]

    private static let unspecified = UInt8(ascii: "X")

    /// - Returns: `nil` where the letters don't have this shape at all.
    init?(_ bytes: [UInt8]) {
        let parts = bytes.split(
            separator: UInt8(ascii: "-"), omittingEmptySubsequences: false
        ).map(Array.init)
        guard (1...3).contains(parts.count), parts[0].count == 4,
            parts.dropFirst().allSatisfy({ $0.count == 2 }),
            parts.joined().allSatisfy({ Digits.isDigit($0) || $0 == CalendarPoint.unspecified })
        else { return nil }
        year = parts[0]
        month = parts.count > 1 ? parts[1] : []
        day = parts.count > 2 ? parts[2] : []
    }

    /// Whether such a day, month or year exists.
    var isOnCalendar: Bool {
        guard hasUnspecifiedAtTheEndOnly else { return false }
        guard let monthNumber = Digits.number(month) else { return true }
        if day.isEmpty, (21...24).contains(monthNumber) { return true }
        guard (1...12).contains(monthNumber) else { return false }
        guard let dayNumber = Digits.number(day) else { return true }
        return (1...length(of: monthNumber)).contains(dayNumber)
    }

    /// Year, month and day as far as given, for comparing the ends of intervals; `nil` where a
    /// digit is unspecified or the month is a season.
    var ordinal: [Int]? {
        let numbers = [year, month, day].filter { !$0.isEmpty }.map(Digits.number)
        guard !numbers.contains(nil), (Digits.number(month) ?? 0) <= 12 else { return nil }
        return numbers.compactMap(\.self)
    }

    /// `20XX`, `2025-XX`, `2025-07-XX` and `2025-XX-XX`: level 1 leaves digits out from the right,
    /// whole months and days only.
    private var hasUnspecifiedAtTheEndOnly: Bool {
        let open = CalendarPoint.unspecified
        let parts = [month, day].filter { !$0.isEmpty }
        guard parts.allSatisfy({ !$0.contains(open) || $0 == [open, open] }) else { return false }
        if month.contains(open), Digits.number(day) != nil { return false }
        guard let first = year.firstIndex(of: open) else { return true }
        return first >= 2 && year[first...].allSatisfy { $0 == open }
            && parts.allSatisfy { $0.contains(open) }
    }

    /// Days of a month; February has 29 where the year isn't fully given.
    private func length(of month: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: return 30
        case 2:
            guard let year = Digits.number(year) else { return 29 }
            return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: return 31
        }
    }
}

/// Decimal digits in ASCII.
enum Digits {
    static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// - Returns: `nil` for no digits, anything that is no digit, or more than 15 of them.
    static func number(_ bytes: [UInt8]) -> Int? {
        guard !bytes.isEmpty, bytes.count <= 15, bytes.allSatisfy(isDigit) else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    static func pair(_ bytes: [UInt8], at index: Int) -> Int? {
        index + 2 <= bytes.count ? number(Array(bytes[index..<index + 2])) : nil
    }
}
