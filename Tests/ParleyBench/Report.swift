import Foundation

/// One number, what it should be, and what SQLite alone does in the same run.
struct Figure: Encodable {
    enum Goal: Encodable {
        case atMost(Double)
        case atLeast(Double)
        case atMostTimesFloor(Double)
        case atLeastTimesFloor(Double)

        var text: String {
            switch self {
            case .atMost(let limit): "<= \(Figure.text(limit))"
            case .atLeast(let limit): ">= \(Figure.text(limit))"
            case .atMostTimesFloor(let limit): "<= \(Figure.text(limit)) x floor"
            case .atLeastTimesFloor(let limit): ">= \(Figure.text(limit)) x floor"
            }
        }
    }

    let name: String
    let value: Double
    let unit: String
    var goal: Goal?
    var floor: Double?

    /// - Returns: `nil` where no floor applies.
    var ratio: Double? { floor.map { value / $0 } }

    /// - Returns: `nil` without a goal.
    var isMet: Bool? {
        switch goal {
        case .atMost(let limit): value <= limit
        case .atLeast(let limit): value >= limit
        case .atMostTimesFloor(let limit): ratio.map { $0 <= limit }
        case .atLeastTimesFloor(let limit): ratio.map { $0 >= limit }
        case nil: nil
        }
    }

    /// Three digits that matter.
    static func text(_ number: Double) -> String {
        let decimals = number == number.rounded() || number >= 100 ? 0 : number >= 10 ? 1 : 3
        let text = String(format: "%.\(decimals)f", number)
        return text.contains(".") ? text.trimmingZeros : text
    }
}

extension String {
    fileprivate var trimmingZeros: String {
        var text = self
        while text.hasSuffix("0") { text.removeLast() }
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}

/// All figures of one run.
struct Report {
    let records: Int
    let edits: Int
    let figures: [Figure]

    var table: String {
        let header = [
            "\(records) records, \(edits) edits a side", "figure", "goal", "floor", "ratio", "",
        ]
        let rows = [header] + figures.map(row)
        return TextTable(rows: rows).text
    }

    var json: String {
        get throws {
            let rows = figures.map { figure in
                Row(
                    name: figure.name, value: figure.value, unit: figure.unit,
                    goal: figure.goal?.text, met: figure.isMet, floor: figure.floor,
                    ratio: figure.ratio)
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            let data = try encoder.encode(Document(records: records, edits: edits, figures: rows))
            return String(decoding: data, as: UTF8.self)
        }
    }

    private func row(_ figure: Figure) -> [String] {
        let verdict = figure.isMet.map { $0 ? "met" : "missed" } ?? ""
        return [
            figure.name, "\(Figure.text(figure.value)) \(figure.unit)",
            figure.goal?.text ?? "", figure.floor.map(Figure.text) ?? "",
            figure.ratio.map(Figure.text) ?? "", verdict,
        ]
    }

    private struct Document: Encodable {
        let records: Int
        let edits: Int
        let figures: [Row]
    }

    private struct Row: Encodable {
        let name: String
        let value: Double
        let unit: String
        let goal: String?
        let met: Bool?
        let floor: Double?
        let ratio: Double?
    }
}

/// Wall time of a piece of work.
enum Stopwatch {
    static func seconds(_ work: () throws -> Void) rethrows -> Double {
        let duration = try ContinuousClock().measure(work)
        return duration / .seconds(1)
    }
}
