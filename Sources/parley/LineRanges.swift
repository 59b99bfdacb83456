import ArgumentParser

/// Lines of a file by number, as a person writes them: `2001-4000,6001-`, counted from 1.
package struct LineRanges: ExpressibleByArgument, Equatable, Sendable {
    /// Ascending, with a gap between any two; an open end is `Int.max`.
    package private(set) var ranges: [ClosedRange<Int>] = []

    package init() {}

    package init?(argument: String) {
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let range = LineRanges.range(part),
                ranges.last.map({ $0.upperBound < range.lowerBound }) ?? true
            else { return nil }
            insert(range)
        }
    }

    package static let all = LineRanges(argument: "1-")!

    var defaultValueDescription: String { "all" }

    package var isEmpty: Bool { ranges.isEmpty }

    /// The last line named, `Int.max` where the end is open.
    var end: Int { ranges.last?.upperBound ?? 0 }

    package func contains(_ line: Int) -> Bool { ranges.contains { $0.contains(line) } }

    /// Adds lines that aren't among these yet.
    package mutating func insert(_ range: ClosedRange<Int>) {
        let sorted = (ranges + [range]).sorted { $0.lowerBound < $1.lowerBound }
        ranges = sorted.reduce(into: []) { joined, next in
            guard let last = joined.last, last.upperBound >= next.lowerBound - 1 else {
                joined.append(next)
                return
            }
            joined[joined.count - 1] = last.lowerBound...max(last.upperBound, next.upperBound)
        }
    }

    package func subtracting(_ others: LineRanges) -> LineRanges {
        var rest = LineRanges()
        rest.ranges = others.ranges.reduce(ranges) { left, taken in
            left.flatMap { LineRanges.parts(of: $0, without: taken) }
        }
        return rest
    }

    private static func parts(
        of range: ClosedRange<Int>, without taken: ClosedRange<Int>
    ) -> [ClosedRange<Int>] {
        guard range.overlaps(taken) else { return [range] }
        var parts: [ClosedRange<Int>] = []
        if range.lowerBound < taken.lowerBound {
            parts.append(range.lowerBound...taken.lowerBound - 1)
        }
        if taken.upperBound < range.upperBound {
            parts.append(taken.upperBound + 1...range.upperBound)
        }
        return parts
    }

    /// `7`, `7-9` or `7-`.
    private static func range(_ text: Substring) -> ClosedRange<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(ends.count), let first = Int(ends[0]), first > 0 else { return nil }
        guard let end = ends.dropFirst().first else { return first...first }
        guard !end.isEmpty else { return first...Int.max }
        return Int(end).flatMap { $0 < first ? nil : first...$0 }
    }
}

extension LineRanges: CustomStringConvertible {
    /// In the form that `init(argument:)` reads.
    package var description: String {
        ranges.map { range in
            let (first, last) = (range.lowerBound, range.upperBound)
            if last == .max { return "\(first)-" }
            return first == last ? "\(first)" : "\(first)-\(last)"
        }.joined(separator: ",")
    }

    /// `lines 2001 to 4000 and from 6001 on`
    var wording: String {
        let phrases = ranges.map { range in
            let (first, last) = (range.lowerBound, range.upperBound)
            if last == .max { return "from \(first) on" }
            return first == last ? "\(first)" : "\(first) to \(last)"
        }
        return "lines " + phrases.joined(separator: " and ")
    }
}
