import Foundation

/// Several series as tables, JSON and a drawing.
struct GrowthReport {
    let series: [(kind: GrowthSeries, points: [GrowthPoint])]
    let sessions: [SessionsPoint]

    var table: String {
        let tables = series.map { GrowthReport.table($0.kind, $0.points) }
        return (tables + (sessions.isEmpty ? [] : [sessionsTable])).joined(separator: "\n\n")
    }

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            let points = Dictionary(
                uniqueKeysWithValues: series.map { ($0.kind.rawValue, $0.points) })
            let document = Document(series: points, onlookers: sessions)
            return String(decoding: try encoder.encode(document), as: UTF8.self)
        }
    }

    private struct Document: Encodable {
        let series: [String: [GrowthPoint]]
        let onlookers: [SessionsPoint]
    }

    private var sessionsTable: String {
        let head = [GrowthSeries.onlookers.title, "all have it, ms", "processor, ms", "MiB"]
        return TextTable(
            rows: [head]
                + sessions.map { point in
                    [String(point.count)]
                        + [point.milliseconds, point.processorMilliseconds, point.mebibytes]
                        .map(Figure.text)
                }
        ).text
    }

    private static func table(_ kind: GrowthSeries, _ points: [GrowthPoint]) -> String {
        let columns: [(String, (GrowthPoint) -> String)] = [
            ("\(kind.title)", { String($0.count) }),
            ("cold sync, s", { Figure.text($0.coldSeconds) }),
            ("x floor", { Figure.text($0.coldSeconds / $0.floorSeconds) }),
            ("us a change", { Figure.text($0.coldSeconds / Double($0.changes) * 1e6) }),
            ("bytes a change", { Figure.text(Double($0.coldBytes) / Double($0.changes)) }),
            ("sender, MiB", { Figure.text($0.senderMebibytes) }),
            ("receiver, MiB", { Figure.text($0.receiverMebibytes) }),
            ("ready, s", { Figure.text($0.readySeconds) }),
            ("after kill -9", { Figure.text($0.recoveredSeconds) }),
            ("idle meeting, s", { Figure.text($0.idleSeconds) }),
            ("bytes", { String($0.idleBytes) }),
            ("reconnect, s", { Figure.text($0.reconnectSeconds) }),
            ("bytes", { String($0.reconnectBytes) }),
            ("edit, ms", { Figure.text($0.editMilliseconds) }),
            ("show, ms", { Figure.text($0.showMilliseconds) }),
            ("list, ms", { Figure.text($0.listMilliseconds) }),
            ("indexed, ms", { Figure.text($0.indexedListMilliseconds) }),
            ("find, ms", { Figure.text($0.findMilliseconds) }),
            ("conflicts, ms", { Figure.text($0.conflictListMilliseconds) }),
        ]
        return TextTable(
            rows: [columns.map(\.0)]
                + points.map { point in
                    columns.map { $0.1(point) }
                }
        ).text
    }

    /// Cost against count for each series of some: time, bytes and memory beside each other.
    func drawing(of kinds: [GrowthSeries]) -> String {
        let rows = series.filter { kinds.contains($0.kind) }
        let charts = rows.enumerated().flatMap { row, series in
            GrowthReport.charts(series.kind, series.points).enumerated().map { column, chart in
                chart.drawn(column: column, row: row)
            }
        }
        return Chart.page(charts, columns: 3, rows: rows.count)
    }

    private static func charts(_ kind: GrowthSeries, _ points: [GrowthPoint]) -> [Chart] {
        func line(_ name: String, _ value: (GrowthPoint) -> Double) -> Chart.Line {
            Chart.Line(name: name, points: points.map { (Double(max($0.count, 1)), value($0)) })
        }
        return [
            Chart(
                title: "Cold sync, seconds", across: kind.title,
                lines: [
                    line("Parley") { $0.coldSeconds }, line("SQLite alone") { $0.floorSeconds },
                    line("reconnect") { $0.reconnectSeconds },
                ]),
            Chart(
                title: "On the wire, bytes", across: kind.title,
                lines: [
                    line("cold sync") { Double($0.coldBytes) },
                    line("reconnect") { Double($0.reconnectBytes) },
                    line("nothing to do") { Double($0.idleBytes) },
                ]),
            Chart(
                title: "Peak memory, MiB", across: kind.title,
                lines: [
                    line("sender") { $0.senderMebibytes },
                    line("receiver") { $0.receiverMebibytes },
                ]),
        ]
    }
}

/// Rows of words in columns of equal width.
struct TextTable {
    let rows: [[String]]

    var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
                .joined(separator: "  ").trimmingCharacters(in: .whitespaces)
        }.joined(separator: "\n")
    }
}
