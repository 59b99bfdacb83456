import ArgumentParser
import ParleyControl
import ParleyNode

/// `parley erase ...`
struct Erase: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Forget a record on every node, for good; only coordinators may.",
        discussion: """
            What the record says and ever said is taken out of the log, the search index and the \
            files of every node that hears of it, whatever is edited meanwhile. Its ID and the \
            basis stay for ever, so don't name the person in the basis. There is no way back. \
            Backups made before still hold it: make new ones and destroy the old. Where more than \
            20 records are erased within a day, their bytes wait on each machine for `parley erase \
            confirm`. Usage: `parley erase RECORD --basis TEXT`.
            """,
        subcommands: [Record.self, Standing.self, Confirm.self], defaultSubcommand: Record.self)
    static let examples = [
        Example(
            "without being asked", "parley erase 3f9a --basis 'asked by the family' --yes"),
        Example("who has carried it out", "parley erase status"),
    ]

    struct Record: AsyncParsableCommand, Exemplified {
        static let configuration = CommandConfiguration(
            commandName: "record", abstract: "Erase a record: the default.", shouldDisplay: false)
        static let examples = [
            Example("without being asked", "parley erase 3f9a --basis 'court order' --yes")
        ]

        @Argument(help: "The record, by any unique beginning of its ID, or @last.")
        var record: String
        @OptionGroup var basis: BasisOption
        @Flag(help: "Don't ask.") var yes = false
        @OptionGroup var options: NodeOptions

        func run() async throws {
            let target = try await Question.target(
                record, isSure: yes, options, verb: "erase",
                ending: "for everybody and for good, with all it ever said")
            try await Session.with(options) {
                try await $0.show(.erase(record: target, basis: basis.basis), page: page)
            }
        }

        private func page(for answer: ErasedAnswer, on screen: Screen) -> String {
            ErasurePage.text(answer, on: screen)
        }
    }

    struct Standing: NodeCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "Show erasures and redactions, and who has carried them out.")
        static let examples = [Example("for a script", "parley erase status --json")]

        @OptionGroup var options: NodeOptions

        func request() -> Request { .listErasures }

        func page(for erasures: [ErasureAnswer], on screen: Screen) -> String {
            ErasurePage.text(erasures, on: screen)
        }
    }

    struct Confirm: NodeCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the bytes go of erasures that wait for somebody at this machine.",
            discussion: """
                More than 20 erasures within a day, by whomever, hide their records at once, \
                and wait for your word before anything is destroyed here: a stolen key could have \
                made them. Ask the coordinator, over a way you trust, whether they are meant.
                """)
        static let examples = [
            Example("all that wait", "parley erase confirm --yes")
        ]

        @Argument(help: "Records, by the beginnings of their IDs; none for all.")
        var records: [String] = []
        @Flag(help: "Say that you have asked.") var yes = false
        @OptionGroup var options: NodeOptions

        func validate() throws {
            guard yes else {
                throw ValidationError(
                    "nothing confirmed: add --yes once the coordinator has told you that these "
                        + "erasures are meant; `parley erase status` lists them")
            }
        }

        func request() -> Request { .confirmErasures(records: records) }

        func page(for answer: ConfirmedErasures, on screen: Screen) -> String {
            answer.confirmed == 0
                ? "nothing waits to be confirmed\n"
                : "confirmed \(Amount.text(answer.confirmed, "erasure"))\n"
        }
    }
}

/// `parley redact`
struct Redact: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Take back what a sensitive field says and ever said, on every node.",
        discussion: """
            The rest of the record stays, and the field can be written again. Only coordinators \
            may. There is no way back.
            """)
    static let examples = [
        Example(
            "without being asked", "parley redact @last name --basis 'asked by the source' --yes")
    ]

    @Argument(help: "The record, by any unique beginning of its ID, or @last.") var record: String
    @Argument(help: "The field.") var field: String
    @OptionGroup var basis: BasisOption
    @Flag(help: "Don't ask.") var yes = false
    @OptionGroup var options: NodeOptions

    func run() async throws {
        let target = try await Question.target(
            record, isSure: yes, options, verb: "redact `\(field)` of",
            ending: "for everybody and for good, with all it ever said")
        try await Session.with(options) {
            try await $0.show(
                .redact(record: target, field: field, basis: basis.basis), page: page)
        }
    }

    private func page(for answer: ErasedAnswer, on screen: Screen) -> String {
        ErasurePage.text(answer, on: screen)
    }
}

/// On what basis something is taken back.
struct BasisOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "On what basis, for the log, for ever: don't name the person.", valueName: "text"))
    var basis: String
}
