/// `erase status` for people: what was taken back, on what basis, and who still has to.
enum ErasurePage {
    static func text(_ erasures: [ErasureAnswer], on screen: Screen) -> String {
        guard !erasures.isEmpty else { return "nothing was erased or redacted\n" }
        let waiting = erasures.filter { $0.here == "unconfirmed" }.count
        let entries = erasures.map { entry($0, on: screen) }.joined(separator: "\n")
        guard waiting > 0 else { return entries }
        return entries + "\n"
            + screen.paint("\(waiting) wait for somebody at this machine", .attention)
            + ": `parley help erase confirm`\n"
    }

    private static func entry(_ erasure: ErasureAnswer, on screen: Screen) -> String {
        let what = erasure.field.map { "field \($0) of " } ?? ""
        let by = erasure.by.map { " by \($0)" } ?? ""
        let title = what + ShortNames.record(erasure.record)
        var lines = [
            screen.paint(title, .title) + "  \(LocalTime.shown(erasure.at))\(by)",
            "  basis        \(erasure.basis.line)",
            "  here         \(words(erasure.here))",
            "  carried out  \(names(erasure.confirmed))",
        ]
        if !erasure.outstanding.isEmpty {
            lines.append(
                "  " + screen.paint("outstanding", .attention) + "  \(names(erasure.outstanding))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func words(_ progress: String) -> String {
        switch progress {
        case "unconfirmed": "hidden; the bytes wait for your word"
        case "underway": "hidden; the last bytes are going"
        default: "done"
        }
    }

    private static func names(_ names: [ForeignText]) -> String {
        names.isEmpty ? "nobody yet" : names.map(\.line).joined(separator: ", ")
    }
}
