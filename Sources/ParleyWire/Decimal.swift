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
        guard value != 0 else { return [UInt8(ascii: "0")] }
        var digits: [UInt8] = []
        var rest = value.magnitude
        while rest > 0 {
            digits.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        if value < 0 { digits.append(UInt8(ascii: "-")) }
        return digits.reversed()
    }
}
