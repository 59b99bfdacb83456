import ArgumentParser
import ParleyControl

/// `parley conflict ...`
struct ConflictCommand: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        commandName: "conflict",
        abstract: "See and settle where two people edited the same thing apart.",
        discussion: """
            No edit is ever dropped by a clock: where two people wrote a field without knowing of \
            each other, both values stay until somebody chooses.
            """,
        subcommands: [ListAll.self, ShowOne.self, Resolve.self, Reopen.self])
    static let examples = [Example("what waits to be settled", "parley conflict list")]

    struct ListAll: NodeCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List open conflicts.",
            discussion: "Exit code 4: there are some.")
        static let examples = [
            Example("all of them, for a script", "parley conflict list --limit 0 --json")
        ]

        @OptionGroup var limit: LimitOption
        @OptionGroup var options: NodeOptions

        func request() -> Request { .listConflicts(limit: limit.limit) }

        func page(for conflicts: [ConflictAnswer], on screen: Screen) -> String {
            ConflictTable.text(conflicts, on: screen)
        }
    }

    struct ShowOne: NodeCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show what stood before, both sides, and how to settle it.")
        static let examples = [
            Example("the sides next to each other", "parley conflict show 3f9a place")
        ]

        @Argument(help: "The record.") var record: String
        @Argument(help: "The field, where several are in conflict.") var field: String?
        @OptionGroup var options: NodeOptions

        var showsAllValues: Bool { true }

        func request() -> Request { .showConflict(record: record, field: field) }

        func page(for conflict: ConflictAnswer, on screen: Screen) -> String {
            ConflictPage(conflict, on: screen).text
        }
    }

    struct Reopen: NodeCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put the values of a settled conflict back beside each other.")
        static let examples = [
            Example(
                "new evidence", "parley conflict reopen 3f9a place --because 'a second source'")
        ]

        @Argument(help: "The record.") var record: String
        @Argument(help: "The field.") var field: String
        @OptionGroup var reason: ReasonOption
        @OptionGroup var options: NodeOptions

        func request() throws -> Request {
            .reopenConflict(record: record, field: field, because: try reason.text())
        }

        func page(for answer: ResolutionAnswer, on screen: Screen) -> String {
            ResolutionPage.text(reopening: answer, on: screen)
        }
    }
}
