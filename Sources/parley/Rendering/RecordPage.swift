import ParleyNode

/// A record as `show` prints it: what it is, its fields, who changed it last, what is in conflict.
package enum RecordPage {
    /// - Parameter isPast: whether the record is shown as it was: what was in conflict then may be
    ///   settled.
    package static func text(
        _ record: RecordAnswer, isPast: Bool = false, on screen: Screen
    ) -> String {
        let id = ShortNames.record(record.record)
        var page = screen.paint(record.type, .title) + " \(id)"
        if record.state != "live" { page += "  " + screen.paint(record.state, .attention) }
        if record.state == "erased" { return page + "\n" + erasure(of: record) }
        page += "\n\n" + fields(of: record, on: screen)
        if let changed = record.changed {
            let time = LocalTime.shown(changed.at)
            let change = ShortNames.change(changed.change, among: [])
            page += screen.paint("\nchanged by \(changed.by), \(time), \(change)\n", .faint)
        }
        guard !record.conflicts.isEmpty else { return page }
        return page + "\n"
            + (isPast
                ? pastConflicts(of: record, on: screen)
                : conflicts(of: record, id: id, on: screen))
    }

    private static func erasure(of record: RecordAnswer) -> String {
        let by = record.changed.map { " by \($0.by), \(LocalTime.shown($0.at))" } ?? ""
        return "\nerased for everybody and for good\(by)\n"
            + (record.basis.map { "basis: \($0.line)\n" } ?? "")
    }

    /// Name and value in two columns, long values wrapped under themselves.
    private static func fields(of record: RecordAnswer, on screen: Screen) -> String {
        let names = record.fields.keys.sorted { FieldOrder.precedes($0, $1) }
        let indent = (names.map { DisplayWidth.of($0) }.max() ?? 0) + 4
        let disputed = Set(record.conflicts.map(\.field))
        return names.map { name in
            let value = record.fields[name]?.lines ?? ""
            let mark = disputed.contains(name) ? screen.paint("  in conflict", .attention) : ""
            let lines = Columns.wrapped(value, to: (screen.columns ?? .max) - indent - 1)
            let margin = "\n" + String(repeating: " ", count: indent)
            let label = screen.paint(Columns.padded("  " + name, to: indent), .faint)
            return label + lines.joined(separator: margin) + mark + "\n"
        }.joined()
    }

    private static func conflicts(of record: RecordAnswer, id: String, on screen: Screen) -> String
    {
        let count = Amount.text(record.conflicts.count, "open conflict")
        let commands = record.conflicts.map { "  parley conflict show \(id) \($0.field)\n" }
        return screen.paint("\(count) in this record", .attention) + "; see both sides with\n"
            + commands.joined()
    }

    private static func pastConflicts(of record: RecordAnswer, on screen: Screen) -> String {
        let count = Amount.text(record.conflicts.count, "conflict")
        return screen.paint("\(count) in this record then", .attention)
            + "; --json has both sides\n"
    }
}

/// The order of fields on a page: what names the record first, tags and notes last.
enum FieldOrder {
    private static let first = ["title", "name"]
    private static let last = ["narrative", "note", "tags"]

    static func precedes(_ left: String, _ right: String) -> Bool {
        (rank(left), left) < (rank(right), right)
    }

    private static func rank(_ field: String) -> Int {
        if let index = first.firstIndex(of: field) { return index - first.count }
        if let index = last.firstIndex(of: field) { return index + 1 }
        return 0
    }
}
