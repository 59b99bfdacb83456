/// Whole numbers in the one spelling that turns back into the same bytes: no plus sign, no leading
/// zeros, no minus zero, within 64 bits.
enum Decimal {
    static func number(_ text: [UInt8]) -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = text.dropFirst(isNegative ? 1 : 0)
        guard let first = digits.first, digits.count <= 19 else { return nil }
        if first == UInt8(ascii: "0") { return text.count == 1 ? 0 : nil }
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let units = Int64(digit - UInt8(ascii: "0"))
            // Counted downwards: the negative numbers reach one further.
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, underflow) = tens.subtractingReportingOverflow(units)
            guard !overflow, !underflow else { return nil }
            value = sum
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    static func text(_ zigzag: UInt64) -> [UInt8] {
        let value = Zigzag.decode(zigzag)
        let signCount = value < 0 ? 1 : 0
        var text = Array(
            repeating: UInt8(ascii: "-"), count: signCount + digitCount(value.magnitude))
        var rest = value.magnitude
        for index in text[signCount...].indices.reversed() {
            text[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        return text
    }

    private static func digitCount(_ number: UInt64) -> Int {
        var (count, rest) = (1, number / 10)
        while rest > 0 { (count, rest) = (count + 1, rest / 10) }
        return count
    }
}
