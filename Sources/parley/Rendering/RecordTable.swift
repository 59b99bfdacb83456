/// Several records as `list` and `find` print them, one line each.
package enum RecordTable {
    package static func text(_ records: [ListedRecord], on screen: Screen) -> String {
        guard !records.isEmpty else { return "nothing found\n" }
        let ids = ShortRecordIDs(records.map(\.record))
        let showsMatch = records.contains { !($0.match?.raw ?? "").isEmpty }
        let showsState = records.contains { $0.isInConflict || !["live", nil].contains($0.state) }
        var table = Table(columns: columns(match: showsMatch, state: showsState))
        table.rows = records.map { record in
            var row: [Table.Cell] = [
                .init(ids[record.record]), .init(record.type, .faint),
                .init(record.title?.line ?? ""),
            ]
            if showsState { row.append(.init(state(of: record), .attention)) }
            if showsMatch { row.append(.init(record.match?.line ?? "", .faint)) }
            return row
        }
        return table.text(on: screen)
    }

    private static func columns(match: Bool, state: Bool) -> [Table.Column] {
        var titles = ["record", "type", "title"]
        if state { titles.append("state") }
        if match { titles.append("match") }
        return titles.map { Table.Column(title: $0) }
    }

    private static func state(of record: ListedRecord) -> String {
        if record.isInConflict { return "conflict" }
        return record.state == "live" ? "" : record.state ?? ""
    }
}
