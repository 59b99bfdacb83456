import ParleyNode

/// `erase status` for people: what was taken back, on what basis, and who still has to.
package enum ErasurePage {
    static func text(_ erasures: [ErasureAnswer], on screen: Screen) -> String {
        guard !erasures.isEmpty else { return "nothing was erased or redacted\n" }
        let waiting = erasures.filter { $0.here == "unconfirmed" }.count
        let entries = erasures.map { entry($0, on: screen) }.joined(separator: "\n")
        guard waiting > 0 else { return entries }
        return entries + "\n"
            + screen.paint("\(waiting) wait for somebody at this machine", .attention)
            + ": once the coordinator has said that these are meant, `parley erase confirm --yes`\n"
    }

    /// What `erase` and `redact` say: how far it has come here, and what still names the record.
    package static func text(_ answer: ErasedAnswer, on screen: Screen) -> String {
        let id = ShortNames.record(answer.record)
        let deed = answer.field.map { "redacted \($0) of \(id)" } ?? "erased \(id)"
        var page: String
        switch answer.here {
        case "unconfirmed":
            page =
                screen.paint("hidden, and not destroyed yet", .attention)
                + ": more than 20 within a day wait for a person at each machine. "
                + "`parley erase confirm \(id) --yes` destroys it here\n"
        case "underway":
            page =
                "\(deed): "
                + screen.paint("hidden; its last bytes go by themselves", .attention)
                + ", once nobody reads them and the disk has room. "
                + "`parley erase status` shows when they are gone\n"
        default:
            page = "\(deed); `parley erase status` shows who has carried it out\n"
        }
        let references = answer.references ?? []
        guard !references.isEmpty else { return page }
        let count = Amount.text(references.count, "record")
        page +=
            "\(count) still \(references.count == 1 ? "names" : "name") it, and may say more of it:\n"
        for reference in references.prefix(20) {
            page +=
                "  \(reference.type) \(ShortNames.record(reference.record))  \(reference.field)\n"
        }
        if references.count > 20 { page += "  and \(references.count - 20) more\n" }
        return page
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
        case "underway": "hidden; the last bytes go once nobody reads them and the disk has room"
        default: "done"
        }
    }

    private static func names(_ names: [ForeignText]) -> String {
        names.isEmpty ? "nobody yet" : names.map(\.line).joined(separator: ", ")
    }
}
