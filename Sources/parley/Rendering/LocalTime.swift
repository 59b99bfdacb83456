import Glibc
import ParleyNode

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
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            let date = CivilDay(year: year, month: month, day: day)
        else { return nil }
        let fraction = bytes.count >= 24 ? number(20..<23) ?? 0 : 0
        let seconds = date.daysSince1970 * 86_400 + hour * 3_600 + minute * 60 + second
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
