/// One conflict, ready to be settled: what stood there, each side next to the other, why both
/// stand, and the exact commands.
///
/// Sides are named by the people who wrote them, never "local" and "remote": which of two machines
/// this is says nothing about who is right.
package struct ConflictPage {
    private let conflict: ConflictAnswer
    private let sides: [ConflictSide]
    private let screen: Screen

    package init(_ conflict: ConflictAnswer, on screen: Screen) {
        self.conflict = conflict
        self.screen = screen
        sides = ConflictSide.named(in: conflict)
    }

    package var text: String {
        comparisonText + "\n" + screen.paint("Why both stand", .title) + "\n"
            + wrapped(ConcurrencyAccount(sides).sentences) + "\n"
            + screen.paint("To settle it", .title) + "\n" + commands
    }

    /// What the conflict is about and its sides, without what to do about it.
    var comparisonText: String { heading + "\n" + comparison }

    private var record: String { ShortNames.record(conflict.record) }

    private var heading: String {
        let subject =
            conflict.isAboutState
            ? "Edited by one, deleted by another: \(conflict.type) \(record)"
            : "Conflict over \(conflict.field) in \(conflict.type) \(record)"
        let title = conflict.title.map { "  \($0)\n" } ?? ""
        return screen.paint(subject, .title) + "\n" + title
    }

    private var comparison: String {
        let base = conflict.base ?? []
        var grid = ComparisonGrid(labels: ["", "value", "written", "node", "because", "change"])
        grid.columns.append(Self.column(of: base, isAboutState: conflict.isAboutState))
        for side in sides {
            grid.columns.append([
                side.name, side.value, LocalTime.shown(side.answer.at),
                ShortNames.node(side.answer.node),
                side.answer.reason.map { PrintableText.lines($0.raw) } ?? "no reason given",
                side.change,
            ])
        }
        return grid.text(on: screen)
    }

    /// What stood there before either side was written.
    private static func column(of base: [JSONValue], isAboutState: Bool) -> [String] {
        let values = base.map { ConflictSide.shown($0, isAboutState: false) }
        let shown = values.isEmpty ? "(nothing)" : values.joined(separator: "\nor: ")
        return ["before", isAboutState ? "not deleted" : shown, "", "", "", ""]
    }

    /// `--seen` names what is on this page, so that a value which arrives meanwhile isn't dropped
    /// by somebody who never saw it.
    private var commands: String {
        let beginning = "parley conflict resolve \(record) \(conflict.field)"
        let seen = " --seen " + distinct(sides.map(\.change)).joined(separator: ",")
        var lines = sides.map { side in
            guard let choice = taking(side) else {
                return "  # what \(side.name) wrote can't be typed; take it over in $EDITOR\n"
            }
            return "  # \(side.choice)\n  \(beginning) \(choice)\(seen)\n"
        }
        if conflict.isAboutState {
            lines.append("  # look at what was edited first\n  parley log \(record)\n")
        } else {
            lines.append("  # write another value, starting from these in $EDITOR\n")
            lines.append("  \(beginning) --edit\n")
        }
        return lines.joined() + "Add --because 'why', so that everybody can follow.\n"
    }

    /// A reopened conflict has several values of one change, which then names none of them.
    ///
    /// - Returns: `nil` where a value would have to be typed that holds control characters.
    private func taking(_ side: ConflictSide) -> String? {
        guard sides.filter({ $0.change == side.change }).count > 1, let value = side.answer.value
        else { return "--take \(side.change)" }
        guard value.lines == value.raw else { return nil }
        return "--value \(ShellWord.quoted(value.raw))"
    }

    private func distinct(_ names: [String]) -> [String] {
        names.enumerated().filter { !names[..<$0.offset].contains($0.element) }.map(\.element)
    }

    private func wrapped(_ sentences: [String]) -> String {
        sentences.flatMap { Columns.wrapped($0, to: min(screen.columns ?? 96, 96) - 2) }
            .map { "  \($0)\n" }.joined()
    }
}

/// One side of a conflict under the name its page uses for it.
struct ConflictSide {
    let answer: ConflictAnswer.Side
    /// The person, numbered where one person stands on several sides.
    let name: String
    /// The value as shown.
    let value: String
    /// The shortest unambiguous name of the change that wrote it.
    let change: String
    private let isAboutState: Bool

    /// The sides, oldest first.
    static func named(in conflict: ConflictAnswer) -> [ConflictSide] {
        let sides = conflict.sides
        let origins = conflict.origins
        return sides.enumerated().map { index, side in
            let isRepeated = sides.filter { $0.by == side.by }.count > 1
            return ConflictSide(
                answer: side, name: isRepeated ? "\(side.by) (\(index + 1))" : side.by.line,
                value: shown(side.value, isAboutState: conflict.isAboutState),
                change: ShortNames.change(side.change, among: origins),
                isAboutState: conflict.isAboutState)
        }
    }

    /// The log that its change stands in, and its number there.
    var position: (origin: String, sequence: Int)? {
        let parts = answer.change.split(separator: ":")
        guard parts.count == 2, let sequence = Int(parts[1].prefix { $0 != "~" }) else {
            return nil
        }
        return (String(parts[0]), sequence)
    }

    /// Whether its author had seen another side, as far as the answer tells.
    func hasSeen(_ other: ConflictSide) -> Bool {
        guard let own = position, let theirs = other.position else { return false }
        let held = own.origin == theirs.origin ? own.sequence : answer.seen?[theirs.origin] ?? 0
        return held >= theirs.sequence
    }

    static func shown(_ value: JSONValue?, isAboutState: Bool) -> String {
        switch value {
        case nil, .null: "(unset)"
        case .text("live") where isAboutState: "edited, so kept"
        case .text("deleted") where isAboutState: "deleted"
        case .some(let value): value.raw.isEmpty ? "(empty)" : value.lines
        }
    }

    /// What taking this side means.
    var choice: String {
        guard isAboutState else { return "keep what \(name) wrote" }
        return answer.value == .text("deleted")
            ? "delete it, as \(name) did" : "keep it, with the edit by \(name)"
    }
}
