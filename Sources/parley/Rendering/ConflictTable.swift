/// `conflict list`: one line per conflict, its values beside each other.
package enum ConflictTable {
    package static func text(_ conflicts: [ConflictAnswer], on screen: Screen) -> String {
        guard !conflicts.isEmpty else { return "no open conflicts\n" }
        let ids = ShortRecordIDs(conflicts.map(\.record))
        var table = Table("record", "type", "title", "field", "values")
        table.rows = conflicts.map { conflict in
            let values = ConflictSide.named(in: conflict).map { "\($0.name): \($0.value)" }
            return [
                .init(ids[conflict.record]), .init(conflict.type, .faint),
                .init(conflict.title?.line ?? ""), .init(conflict.field, .attention),
                .init(values.joined(separator: " | ")),
            ]
        }
        let first = conflicts[0]
        return table.text(on: screen)
            + "\nboth sides and how to settle it: parley conflict show "
            + "\(ids[first.record]) \(first.field)\n"
    }
}
