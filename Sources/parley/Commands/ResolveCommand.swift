import ArgumentParser
import ParleyControl

/// `parley conflict resolve`
struct Resolve: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Settle a conflict: take a side, or write another value.",
        discussion: """
            Settles exactly the values named by --seen, or all that stand now; one that arrives \
            later stays in conflict with the result. For an edit against a delete the field is \
            `state`.
            """)
    static let examples = [
        Example(
            "keep what one person wrote",
            "parley conflict resolve 3f9a place --take a1b2:42 --because 'the primary source'"),
        Example(
            "another value", "parley conflict resolve 3f9a date --value 2026-02-26"),
        Example("start from both sides in $EDITOR", "parley conflict resolve 3f9a note --edit"),
    ]

    @Argument(help: "The record.") var record: String
    @Argument(help: "The field.") var field: String

    @Option(help: ArgumentHelp("The side written by this change.", valueName: "change"))
    var take: String?
    @Option(help: ArgumentHelp("This value instead.", valueName: "value")) var value: String?
    @Option(
        help: ArgumentHelp("The value in this file, - for standard input.", valueName: "file"))
    var from: String?
    @Flag(help: "Write the value in $EDITOR, with both sides shown.") var edit = false

    @Option(
        help: ArgumentHelp(
            "The changes whose values you decided among, comma-separated.", valueName: "change,...")
    )
    var seen: String?
    @OptionGroup var reason: ReasonOption
    @OptionGroup var options: NodeOptions

    func validate() throws {
        let choices = [take != nil, value != nil, from != nil, edit].filter(\.self).count
        if choices != 1 {
            throw ValidationError(
                "a resolution is one choice: give one of --take, --value, --from and --edit")
        }
    }

    func run() async throws {
        try await Session.with(options) { session in
            let (choice, shown) = try await self.choice(in: session)
            let named = seen?.split(separator: ",").map(String.init) ?? shown
            let request = Request.resolveConflict(
                record: record, field: field, choice: choice, seen: named, because: reason.because)
            try await session.show(request) { (answer: ResolutionAnswer, screen) in
                ResolutionPage.text("settled", answer, on: screen)
            }
        }
    }

    /// What was chosen, and the changes that were on the screen where this command showed them.
    private func choice(in session: Session) async throws -> (Request.Choice, seen: [String]) {
        if let take { return (.take(change: take), []) }
        if let value { return (.value(value), []) }
        if let from { return (.value(try ValueSource.value(from)), []) }
        let response = try await session.perform(.showConflict(record: record, field: field))
        let conflict: ConflictAnswer = try response.answer()
        guard !conflict.isAboutState else {
            throw CommandFailure(
                Exit.usage,
                "a state can't be written in an editor. Take a side: `parley conflict show \(record) "
                    + "state` has the commands.")
        }
        let home = try NodeBackend.homePath(options.home)
        let value = try ResolutionDraft(conflict).edited(inFolder: home)
        // A side left as it was is that side, not a third value.
        let side = conflict.values.first { $0.value?.raw == value }
        let choice = side.map { Request.Choice.take(change: $0.change) } ?? .value(value)
        return (choice, conflict.values.map(\.change))
    }
}
