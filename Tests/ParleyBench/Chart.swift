import Foundation

/// Lines on logarithmic axes, as SVG.
struct Chart {
    struct Line {
        let name: String
        let points: [(x: Double, y: Double)]
    }

    let title: String
    let across: String
    let lines: [Line]

    private static let size = (width: 400.0, height: 300.0)
    private static let margin = (left: 60.0, right: 20.0, top: 40.0, bottom: 55.0)
    private static let colours = ["#1b5e9b", "#c0392b", "#2e8b57"]

    static func page(_ charts: [String], columns: Int, rows: Int) -> String {
        let (width, height) = (size.width * Double(columns), size.height * Double(rows))
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(height))" \
            font-family="sans-serif" font-size="11">
            <rect width="100%" height="100%" fill="white"/>
            \(charts.joined(separator: "\n"))
            </svg>

            """
    }

    /// The chart in its place on a page.
    func drawn(column: Int, row: Int) -> String {
        let x = Chart.size.width * Double(column)
        let y = Chart.size.height * Double(row)
        let frame = Frame(lines)
        let parts =
            ticks(frame) + lines.enumerated().map { number, line in path(line, number, frame) }
            + lines.enumerated().map { number, line in legend(line, number) }
        return """
            <g transform="translate(\(Chart.number(x)) \(Chart.number(y)))">
            <text x="\(Chart.number(Chart.margin.left))" y="20" font-size="14">\(title)</text>
            <text x="\(Chart.number(Chart.size.width / 2))" \
            y="\(Chart.number(Chart.size.height - 18))" text-anchor="middle">\(across)</text>
            \(parts.joined(separator: "\n"))
            </g>
            """
    }

    /// The powers of ten that hold all points, and where a point lies between them.
    private struct Frame {
        let x: ClosedRange<Double>
        let y: ClosedRange<Double>

        init(_ lines: [Line]) {
            let points = lines.flatMap(\.points)
            x = Frame.decades(points.map(\.x))
            y = Frame.decades(points.map(\.y))
        }

        private static func decades(_ values: [Double]) -> ClosedRange<Double> {
            let logs = values.filter { $0 > 0 }.map { log10($0) }
            let low = (logs.min() ?? 0).rounded(.down)
            return low...max((logs.max() ?? 1).rounded(.up), low + 1)
        }

        func position(_ point: (x: Double, y: Double)) -> (x: Double, y: Double) {
            let (size, margin) = (Chart.size, Chart.margin)
            func share(_ value: Double, _ range: ClosedRange<Double>) -> Double {
                (log10(value) - range.lowerBound) / (range.upperBound - range.lowerBound)
            }
            let width = size.width - margin.left - margin.right
            let height = size.height - margin.top - margin.bottom
            return (
                margin.left + share(point.x, x) * width,
                size.height - margin.bottom - share(point.y, y) * height
            )
        }
    }

    private func ticks(_ frame: Frame) -> [String] {
        let (left, bottom) = (pow(10, frame.x.lowerBound), pow(10, frame.y.lowerBound))
        let across = stride(from: frame.x.lowerBound, through: frame.x.upperBound, by: 1).map {
            let end = frame.position((pow(10, $0), pow(10, frame.y.upperBound)))
            let start = frame.position((pow(10, $0), bottom))
            return line(start, end)
                + "<text x=\"\(Chart.number(start.x))\" y=\"\(Chart.number(start.y + 15))\" "
                + "text-anchor=\"middle\">\(Chart.label($0))</text>"
        }
        let up = stride(from: frame.y.lowerBound, through: frame.y.upperBound, by: 1).map {
            let end = frame.position((pow(10, frame.x.upperBound), pow(10, $0)))
            let start = frame.position((left, pow(10, $0)))
            return line(start, end)
                + "<text x=\"\(Chart.number(start.x - 6))\" y=\"\(Chart.number(start.y + 4))\" "
                + "text-anchor=\"end\">\(Chart.label($0))</text>"
        }
        return across + up
    }

    private func line(_ start: (x: Double, y: Double), _ end: (x: Double, y: Double)) -> String {
        "<line x1=\"\(Chart.number(start.x))\" y1=\"\(Chart.number(start.y))\" "
            + "x2=\"\(Chart.number(end.x))\" y2=\"\(Chart.number(end.y))\" stroke=\"#ddd\"/>"
    }

    private func path(_ line: Line, _ number: Int, _ frame: Frame) -> String {
        let points = line.points.filter { $0.y > 0 }.map(frame.position)
        let colour = Chart.colours[number % Chart.colours.count]
        let corners = points.map { "\(Chart.number($0.x)),\(Chart.number($0.y))" }
        let dots = points.map {
            "<circle cx=\"\(Chart.number($0.x))\" cy=\"\(Chart.number($0.y))\" r=\"3\" fill=\"\(colour)\"/>"
        }
        return "<polyline points=\"\(corners.joined(separator: " "))\" fill=\"none\" "
            + "stroke=\"\(colour)\" stroke-width=\"2\"/>" + dots.joined()
    }

    private func legend(_ line: Line, _ number: Int) -> String {
        let colour = Chart.colours[number % Chart.colours.count]
        let x = Chart.margin.left + 10 + Double(number) * 105
        return "<text x=\"\(Chart.number(x))\" y=\"36\" fill=\"\(colour)\">\(line.name)</text>"
    }

    private static func label(_ decade: Double) -> String {
        switch decade {
        case 6...: Figure.text(pow(10, decade - 6)) + "M"
        case 3...: Figure.text(pow(10, decade - 3)) + "k"
        default: String(format: "%g", pow(10, decade))
        }
    }

    private static func number(_ value: Double) -> String { String(format: "%.1f", value) }
}
