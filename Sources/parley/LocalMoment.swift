import Glibc
import ParleyNode

/// A time as this program prints it, read back: on the clock of this machine and without a zone.
///
/// The node knows no time zone but UTC, so the text is turned into RFC 3339 here. What was printed
/// is cut off, not rounded: a time means the end of what it names, so that a change listed under
/// 10:42 is part of the record as it stood at 10:42.
struct LocalMoment {
    /// The last millisecond that the text names, as RFC 3339 in UTC.
    let text: String

    /// Reads `2026-02-26`, `2026-02-26 10:42`, `2026-02-26 10:42:30` and `2026-02-26 10:42:30.250`;
    /// a `T` may stand for the space.
    ///
    /// - Returns: `nil` for any other text: a change, or a time with its zone.
    init?(_ typed: String) {
        let halves = typed.split(maxSplits: 1, omittingEmptySubsequences: false) {
            $0 == " " || $0 == "T"
        }
        guard let day = LocalMoment.day(halves[0]) else { return nil }
        let end =
            halves.count == 2
            ? LocalMoment.end(of: halves[1], on: day) : LocalMoment.end(of: day)
        guard let end, end >= 0 else { return nil }
        text = Timestamp(milliseconds: UInt64(end)).text
    }

    private static func day(_ text: Substring) -> CivilDay? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], let year = number(parts[0]),
            let month = number(parts[1]), let day = number(parts[2])
        else { return nil }
        return CivilDay(year: year, month: month, day: day)
    }

    /// The last millisecond of a day.
    private static func end(of day: CivilDay) -> Int {
        let next = CivilDay(daysSince1970: day.daysSince1970 + 1)
        return seconds(next, 0, 0, 0) * 1_000 - 1
    }

    /// The last millisecond of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fff`.
    private static func end(of clock: Substring, on day: CivilDay) -> Int? {
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), let hour = pair(parts[0], below: 24),
            let minute = pair(parts[1], below: 60)
        else { return nil }
        guard parts.count == 3 else {
            return (seconds(day, hour, minute, 0) + 60) * 1_000 - 1
        }
        let halves = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count <= 2, let second = pair(halves[0], below: 60) else { return nil }
        let start = seconds(day, hour, minute, second) * 1_000
        guard halves.count == 2 else { return start + 999 }
        guard halves[1].utf8.count == 3, let fraction = number(halves[1]) else { return nil }
        return start + fraction
    }

    private static func number(_ digits: Substring) -> Int? {
        digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            ? Int(digits) : nil
    }

    private static func pair(_ digits: Substring, below limit: Int) -> Int? {
        guard digits.utf8.count == 2, let number = number(digits), number < limit else {
            return nil
        }
        return number
    }

    /// Seconds since 1970 of a moment on this machine's clock.
    private static func seconds(
        _ day: CivilDay, _ hour: Int, _ minute: Int, _ second: Int
    ) -> Int {
        var fields = tm()
        fields.tm_year = Int32(day.year - 1900)
        fields.tm_mon = Int32(day.month - 1)
        fields.tm_mday = Int32(day.day)
        (fields.tm_hour, fields.tm_min, fields.tm_sec) =
            (Int32(hour), Int32(minute), Int32(second))
        // Whether summer time was in force then is for the zone to say.
        fields.tm_isdst = -1
        return Int(mktime(&fields))
    }
}
