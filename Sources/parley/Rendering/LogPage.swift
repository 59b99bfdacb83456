/// Changes as `log` prints them: who and when on one line, what and why below.
package enum LogPage {
    package static func text(_ changes: [LoggedChange], on screen: Screen) -> String {
        guard !changes.isEmpty else { return "no changes yet\n" }
        let origins = Set(changes.map { String($0.change.prefix { $0 != ":" }) })
        let records = ShortRecordIDs(changes.flatMap { $0.operations.compactMap(\.record) })
        return changes.map { change in
            let name = ShortNames.change(change.change, among: origins)
            var entry =
                screen.paint(name, .title) + "  \(LocalTime.shown(change.at))  \(change.by)\n"
            if let why = whyItCountsNowhere(change) {
                entry += "    " + screen.paint("counts nowhere: \(why)", .attention) + "\n"
            }
            if let because = change.because {
                entry +=
                    "    " + screen.paint("because: \(because)", .faint) + "\n"
            }
            for operation in change.operations {
                entry += line(operation, among: records, on: screen)
            }
            return entry
        }.joined(separator: "\n")
    }

    private static func text(of operation: LoggedChange.Operation) -> String {
        switch (operation.op, operation.value) {
        case ("admit", .object(let who)?), ("cut", .object(let who)?):
            let name = who["name"]?.line ?? ""
            return who["role"].map { "\(name) as \($0.line)" } ?? name
        case ("receipt", .text(let change)?): return ShortNames.change(change, among: [])
        default: return operation.value?.line ?? ""
        }
    }

    private static func whyItCountsNowhere(_ change: LoggedChange) -> String? {
        if change.unauthorised == true { return "\(change.by) wasn't permitted to do that" }
        return change.void == true ? "beyond a revocation or a change of role" : nil
    }

    private static func line(
        _ operation: LoggedChange.Operation, among records: ShortRecordIDs, on screen: Screen
    ) -> String {
        var words = ["   "]
        if let record = operation.record {
            words.append(records[record])
        }
        words.append(operation.op)
        if let field = operation.field { words.append(field) }
        let value = text(of: operation)
        if !value.isEmpty { words.append(value) }
        let line = words.joined(separator: " ")
        return (screen.columns.map { Columns.shortened(line, to: $0) } ?? line) + "\n"
    }
}
