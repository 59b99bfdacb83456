import ParleyNode

/// `verify` and `doctor` for people: what is wrong first, each with what to do; then what is well.
package enum CheckPage {
    package static func text(_ checks: [CheckAnswer], on screen: Screen) -> String {
        guard !checks.isEmpty else {
            return "no casebook yet: `parley casebook create NAME` or `parley join CODE`\n"
        }
        let wrong = checks.filter { !$0.ok }
        let well = checks.filter(\.ok)
        let parts = [entries(wrong, on: screen), lines(well, on: screen), verdict(wrong.count)]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// What has the same remedy stands together, and the remedy once below it.
    private static func entries(_ checks: [CheckAnswer], on screen: Screen) -> String {
        var text = ""
        for (index, check) in checks.enumerated() {
            text +=
                screen.paint("wrong", .attention) + "  \(name(of: check))  \(check.detail.line)\n"
            let isLastOfItsKind =
                index + 1 == checks.count || checks[index + 1].next?.line != check.next?.line
            if isLastOfItsKind, let next = check.next { text += "       next: \(next.line)\n" }
        }
        return text
    }

    private static func lines(_ checks: [CheckAnswer], on screen: Screen) -> String {
        checks.map { check in
            let line = screen.paint("ok", .good) + "     \(name(of: check))  \(check.detail.line)\n"
            return line + (check.next.map { "       next: \($0.line)\n" } ?? "")
        }.joined()
    }

    private static func name(of check: CheckAnswer) -> String {
        check.casebook.map { "\($0.line): \(check.check)" } ?? check.check
    }

    private static func verdict(_ wrongCount: Int) -> String {
        wrongCount == 0
            ? "all is well\n" : "\(Amount.text(wrongCount, "line")) above need you\n"
    }
}
