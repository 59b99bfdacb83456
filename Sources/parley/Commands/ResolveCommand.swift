import ArgumentParser
import ParleyControl

/// `parley conflict resolve`
struct Resolve: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Settle a conflict: take a side, or write another value.",
        discussion: """
            Settles exactly the values named by --seen, or those this node last showed with \
            `conflict show` or --json; one that arrived since stays in conflict with the result, and \
            what it never showed, or so long ago that it is forgotten, has to be looked at first. \
            For an edit against a delete the field is `state`.
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
    @Flag(help: "No value: the field is unset.") var unset = false

    @Option(
        help: ArgumentHelp(
            "The changes whose values you decided among, comma-separated.", valueName: "change,...")
    )
    var seen: String?
    @OptionGroup var reason: ReasonOption
    @OptionGroup var options: NodeOptions

    func validate() throws {
        let choices = [take != nil, value != nil, from != nil, edit, unset].filter(\.self).count
        if choices != 1 {
            throw ValidationError(
                "a resolution is one choice: give one of --take, --value, --from, --edit and --unset"
            )
        }
        try reason.checkInput(besides: from)
    }

    func run() async throws {
        let because = try reason.text()
        guard !edit else { return try await settleInEditor(because: because) }
        let choice = try choice()
        try await Session.with(options) {
            try await settle(record, choice, seen: named ?? [], because: because, in: $0)
        }
    }

    /// The changes named with `--seen`.
    private var named: [String]? { seen?.split(separator: ",").map(String.init) }

    private func choice() throws -> Request.Choice {
        if unset { return .nothing }
        if let take { return .take(change: take) }
        if let value { return .value(value) }
        return .value(ResolutionDraft.value(in: try ValueSource.value(from ?? "-")))
    }

    private func settle(
        _ record: String, _ choice: Request.Choice, seen: [String], because: String?,
        in session: Session
    ) async throws {
        let request = Request.resolveConflict(
            record: record, field: field, choice: choice, seen: seen, because: because)
        try await session.show(request) { (answer: ResolutionAnswer, screen) in
            ResolutionPage.text(settling: answer, on: screen)
        }
    }

    // MARK: In an editor

    /// The node is let go while the person thinks, which may take an hour: without a daemon nobody
    /// else could open the home. What is typed stays in the draft until the node has accepted it.
    private func settleInEditor(because: String?) async throws {
        let conflict = try await conflict()
        let draft = ResolutionDraft(conflict)
        let file = try DraftFile(
            draft.text, about: conflict.record,
            inFolder: try NodeBackend.homePath(options.home))
        let value = try draft.edit(file)
        // A side left as it was is that side, not a third value.
        let side = conflict.values.first { $0.value?.raw == value }
        let choice = side.map { Request.Choice.take(change: $0.change) } ?? .value(value)
        do {
            try await Session.with(options) {
                try await settle(
                    conflict.record, choice, seen: named ?? conflict.values.map(\.change),
                    because: because, in: $0)
            }
        } catch let failure as CommandFailure {
            guard !file.removeUnlessEdited() else { throw failure }
            throw CommandFailure(
                failure.exitCode, "\(failure.message)\n\(next(with: file, about: conflict))")
        } catch {
            // Settled, with an exit code that tells of other open conflicts.
            file.remove()
            throw error
        }
        file.remove()
    }

    private func conflict() async throws -> ConflictAnswer {
        let conflict: ConflictAnswer = try await Session.with(options) {
            try await $0.perform(.showConflict(record: record, field: field)).answer()
        }
        guard !conflict.isAboutState else {
            throw CommandFailure(
                Exit.usage,
                "a state can't be written in an editor. Take a side: `parley conflict show \(record) "
                    + "state` has the commands.")
        }
        return conflict
    }

    private func next(with file: DraftFile, about conflict: ConflictAnswer) -> String {
        let id = ShortNames.record(conflict.record)
        let changes = ConflictSide.named(in: conflict).map(\.change)
        let seen = (named ?? changes).joined(separator: ",")
        return "what you wrote is kept in \(file.path): `parley conflict resolve \(id) \(field) "
            + "--from \(ShellWord.quoted(file.path)) --seen \(seen)` tries again, with a correction "
            + "if need be."
    }
}
