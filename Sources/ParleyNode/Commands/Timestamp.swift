package import ParleyCRDT

/// Points in time as commands read and print them: RFC 3339 in UTC.
package struct Timestamp: Hashable, Sendable {
    /// Since 1970-01-01T00:00:00Z.
    package let milliseconds: UInt64

    package init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    package init(_ time: HybridTime) {
        milliseconds = time.milliseconds
    }

    /// Reads `2026-02-26`, `2026-02-26T10:42Z`, `2026-02-26T10:42:30.5Z` and offsets like `+03:00`.
    /// A day alone means its end, so that "as of that day" includes it.
    package init?(text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 10, let days = Timestamp.days(bytes[..<10]) else { return nil }
        guard bytes.count > 10 else {
            self.init(signed: (days + 1) * 86_400_000 - 1)
            return
        }
        guard "Tt ".utf8.contains(bytes[10]) else { return nil }
        var end = bytes.count
        var offset = 0
        if "Zz".utf8.contains(bytes[end - 1]) {
            end -= 1
        } else {
            guard end >= 17, let minutes = Timestamp.offset(bytes[(end - 6)...]) else { return nil }
            offset = minutes
            end -= 6
        }
        guard end > 11, let time = Timestamp.timeOfDay(bytes[11..<end]) else { return nil }
        self.init(signed: days * 86_400_000 + time - offset * 60_000)
    }

    private init?(signed: Int) {
        guard signed >= 0 else { return nil }
        self.init(milliseconds: UInt64(signed))
    }

    /// `2026-02-26T10:42:30.123Z`
    package var text: String {
        let rest = milliseconds % 1000
        return "\(day)T\(timeOfDay):\(Timestamp.padded(milliseconds / 1000 % 60, 2))"
            + ".\(Timestamp.padded(rest, 3))Z"
    }

    /// `2026-02-26`
    package var day: String {
        let day = CivilDay(daysSince1970: Int(milliseconds / 86_400_000))
        return [(day.year, 4), (day.month, 2), (day.day, 2)]
            .map { Timestamp.padded(UInt64($0.0), $0.1) }.joined(separator: "-")
    }

    /// `10:42`
    package var timeOfDay: String {
        let minutes = milliseconds / 60_000
        return "\(Timestamp.padded(minutes / 60 % 24, 2)):\(Timestamp.padded(minutes % 60, 2))"
    }

    /// Days since 1970 of `YYYY-MM-DD`.
    private static func days(_ bytes: ArraySlice<UInt8>) -> Int? {
        let parts = bytes.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], let year = number(parts[0]),
            let month = number(parts[1]), let day = number(parts[2])
        else { return nil }
        return CivilDay(year: year, month: month, day: day)?.daysSince1970
    }

    /// Milliseconds of `HH:MM[:SS[.fff]]`.
    private static func timeOfDay(_ bytes: ArraySlice<UInt8>) -> Int? {
        let halves = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let parts = halves[0].split(
            separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), halves.count == 1 || parts.count == 3,
            parts.allSatisfy({ $0.count == 2 }), let hour = number(parts[0]), hour < 24,
            let minute = number(parts[1]), minute < 60
        else { return nil }
        let second = parts.count == 3 ? number(parts[2]) : 0
        guard let second, second < 60 else { return nil }
        let fraction = halves.count == 2 ? milliseconds(ofFraction: halves[1]) : 0
        guard let fraction else { return nil }
        return ((hour * 60 + minute) * 60 + second) * 1000 + fraction
    }

    private static func milliseconds(ofFraction digits: ArraySlice<UInt8>) -> Int? {
        guard (1...9).contains(digits.count), number(digits) != nil else { return nil }
        let three = Array(digits.prefix(3)) + Array("00".utf8)
        return number(three[..<3])
    }

    /// Minutes of `+HH:MM`, at most a day as in RFC 3339.
    private static func offset(_ bytes: ArraySlice<UInt8>) -> Int? {
        let text = Array(bytes)
        guard text.count == 6, text[3] == UInt8(ascii: ":"), "+-".utf8.contains(text[0]),
            let hours = number(text[1..<3]), hours < 24, let minutes = number(text[4...]),
            minutes < 60
        else { return nil }
        return (text[0] == UInt8(ascii: "-") ? -1 : 1) * (hours * 60 + minutes)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func padded(_ number: UInt64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
