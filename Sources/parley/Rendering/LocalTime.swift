import Glibc

/// A moment as the wall clock of this machine shows it, read from the RFC 3339 UTC of an answer.
package struct LocalTime: Equatable, Comparable {
    /// Milliseconds since 1970 in UTC.
    private let milliseconds: Int
    /// Seconds east of UTC at that moment.
    private let offset: Int

    /// - Parameter offset: seconds east of UTC at a given second of UTC.
    /// - Returns: `nil` unless the text is `YYYY-MM-DDThh:mm:ss[.fff]Z`.
    package init?(_ text: String, offset: (Int) -> Int) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            Int(String(decoding: bytes[range], as: UTF8.self))
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19)
        else { return nil }
        let fraction = bytes.count >= 24 ? number(20..<23) ?? 0 : 0
        let days = CivilDay(year: year, month: month, day: day).daysSince1970
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second
        milliseconds = seconds * 1_000 + fraction
        self.offset = offset(seconds)
    }

    /// In the time zone of this machine.
    init?(_ text: String) {
        self.init(text, offset: LocalTime.systemOffset)
    }

    package static func < (left: LocalTime, right: LocalTime) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// `2026-02-26`
    package var date: String {
        let day = CivilDay(daysSince1970: localSeconds.flooredQuotient(86_400))
        return "\(day.year)-\(Self.two(day.month))-\(Self.two(day.day))"
    }

    /// `10:42`
    package var clock: String {
        let second = localSeconds - localSeconds.flooredQuotient(86_400) * 86_400
        return "\(Self.two(second / 3_600)):\(Self.two(second / 60 % 60))"
    }

    /// `10:42:07.250`
    package var preciseClock: String {
        let second = localSeconds - localSeconds.flooredQuotient(60) * 60
        let fraction = String(1_000 + milliseconds - milliseconds.flooredQuotient(1_000) * 1_000)
        return "\(clock):\(Self.two(second)).\(fraction.dropFirst())"
    }

    /// `2026-02-26 10:42`
    package var dateAndClock: String { "\(date) \(clock)" }

    /// How an answer's time is shown: the moment, or the text itself where it is none.
    static func shown(_ text: String?) -> String {
        guard let text else { return "never" }
        return LocalTime(text)?.dateAndClock ?? PrintableText.line(text)
    }

    private var localSeconds: Int { milliseconds.flooredQuotient(1_000) + offset }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func systemOffset(_ seconds: Int) -> Int {
        var moment = time_t(seconds)
        var fields = tm()
        localtime_r(&moment, &fields)
        return fields.tm_gmtoff
    }
}

/// A day of the proleptic Gregorian calendar. Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms" (2013), days_from_civil and civil_from_days.
private struct CivilDay {
    let year: Int
    let month: Int
    let day: Int

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    init(daysSince1970 days: Int) {
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let leapDays = dayOfEra / 1_460 - dayOfEra / 36_524 + dayOfEra / 146_096
        let yearOfEra = (dayOfEra - leapDays) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int {
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear.flooredQuotient(400)
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }
}

extension Int {
    fileprivate func flooredQuotient(_ divisor: Int) -> Int {
        self >= 0 ? self / divisor : -((divisor - 1 - self) / divisor)
    }
}
