/// What `resolve` and `reopen` answer.
package enum ResolutionPage {
    /// What was settled, and what isn't: a value that nobody chose among stays in conflict with the
    /// result.
    package static func text(settling answer: ResolutionAnswer, on screen: Screen) -> String {
        let open = answer.conflicts ?? []
        guard open.contains(answer.field) else {
            return line("settled", answer, screen) + commands(open, "still open", answer, screen)
        }
        let reason = "it has a value that wasn't among those you chose from"
        return line("written", answer, screen)
            + screen.paint("\(answer.field) is still in conflict", .attention)
            + ": \(reason); see it with\n" + command(answer.field, answer)
            + commands(open.filter { $0 != answer.field }, "also open", answer, screen)
    }

    package static func text(reopening answer: ResolutionAnswer, on screen: Screen) -> String {
        line("reopened", answer, screen)
            + commands([answer.field], "to be settled again", answer, screen)
    }

    private static func line(
        _ deed: String, _ answer: ResolutionAnswer, _ screen: Screen
    ) -> String {
        let id = screen.paint(ShortNames.record(answer.record), .title)
        let change = ShortNames.change(answer.change, among: [])
        return "\(deed) \(answer.field) of \(id)"
            + screen.paint("  change \(change)", .faint) + "\n"
    }

    private static func commands(
        _ fields: [String], _ what: String, _ answer: ResolutionAnswer, _ screen: Screen
    ) -> String {
        guard !fields.isEmpty else { return "" }
        return screen.paint(what, .attention) + "; see both sides with\n"
            + fields.map { command($0, answer) }.joined()
    }

    private static func command(_ field: String, _ answer: ResolutionAnswer) -> String {
        "  parley conflict show \(ShortNames.record(answer.record)) \(field)\n"
    }
}
