import ArgumentParser
import ParleyControl
import ParleyNode

/// `parley show`
struct Show: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a record, as it is or as it was.",
        discussion: """
            Exit code 4: the record has open conflicts, or had them then.

            A time may be given as `parley log` prints it, on the clock of this machine: 2026-02-26 \
            (to the end of that day), '2026-02-26 10:42' (to the end of that minute), \
            '2026-02-26 10:42:30'; or with its zone: 2026-02-26T10:42Z, 2026-02-26T10:42:30+03:00.
            """)
    static let examples = [
        Example("the record used last", "parley show @last"),
        Example("as it stood after a change", "parley show 3f9a --at a1b2:42"),
        Example("as it stood at a time from the log", "parley show 3f9a --at '2099-02-26 10:42'"),
    ]

    @Argument(help: "The record, by any unique beginning of its ID, or @last.") var record: String
    @Option(help: ArgumentHelp("A change, or a time like '2026-02-26 10:42'.", valueName: "when"))
    var at: String?
    @OptionGroup var options: NodeOptions

    func request() -> Request {
        .show(record: record, at: at.map { LocalMoment($0)?.text ?? $0 })
    }

    func page(for record: RecordAnswer, on screen: Screen) -> String {
        RecordPage.text(record, isPast: at != nil, on: screen)
    }
}

/// `parley list`
struct List: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "List records, all or of one type, filtered by fields.",
        discussion: "Newest first, deleted ones left out.")
    static let examples = [
        Example("what was deleted, to restore it", "parley list --deleted"),
        Example("exchanges by date", "parley list exchange --sort date"),
        Example("what is tagged", "parley list tags=verified --limit 20"),
    ]

    @Argument(help: ArgumentHelp("A type, then filters.", valueName: "type|field=value"))
    var terms: [String] = []
    @Option(help: ArgumentHelp("Order by this field.", valueName: "field")) var sort: String?
    @Flag(help: "Only deleted records.") var deleted = false
    @OptionGroup var source: AssignmentSource
    @OptionGroup var limit: LimitOption
    @OptionGroup var options: NodeOptions

    func request() throws -> Request {
        let type = terms.first.flatMap { $0.contains("=") ? nil : $0 }
        let filters = try source.assignments(after: Array(terms.dropFirst(type == nil ? 0 : 1)))
        guard filters.allSatisfy({ $0.operator == .set }) else {
            throw CommandFailure(
                Exit.usage,
                "cannot filter by that: a filter compares. Write FIELD=VALUE, for example tags=verified."
            )
        }
        return .list(
            type: type, filters: filters, sort: sort, deleted: deleted, limit: limit.limit)
    }

    func page(for records: [ListedRecord], on screen: Screen) -> String {
        RecordTable.text(records, on: screen)
    }
}

/// `parley find`
struct Find: NodeCommand {
    private struct Backlog: Decodable {
        let records: Int
    }

    static let configuration = CommandConfiguration(
        abstract: "Search words in all records, newest first.",
        discussion: """
            Arabic is found without its vowel marks and its article, Latin without its accents. \
            After a large import or sync, the words that aren't indexed yet are indexed first.
            """)
    static let examples = [
        Example("records with both words", "parley find central prison"),
        Example("words out of sight of `ps`", "parley find - < words.txt"),
    ]

    @Argument(help: "The words, or - to read them from standard input.") var words: [String]
    @OptionGroup var limit: LimitOption
    @OptionGroup var options: NodeOptions

    func request() throws -> Request {
        let text = words == ["-"] ? try ValueSource.value("-") : words.joined(separator: " ")
        return .find(words: text, limit: limit.limit)
    }

    func run() async throws {
        let request = try request()
        try await Session.with(options) { session in
            let backlog: Backlog = try await session.perform(.indexBacklog).answer()
            if backlog.records > 0 {
                Output.note("indexing \(Amount.text(backlog.records, "new record")) first ...\n")
            }
            try await session.show(request, page: page)
        }
    }

    func page(for records: [ListedRecord], on screen: Screen) -> String {
        RecordTable.text(records, on: screen)
    }
}

/// `parley log`
struct Log: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show who changed what, when and why, newest first.")
    static let examples = [
        Example("one record's history", "parley log 3f9a"),
        Example("the last ten changes of all", "parley log --limit 10"),
    ]

    @Argument(help: "A record; the whole casebook without one.") var record: String?
    @OptionGroup var limit: LimitOption
    @OptionGroup var options: NodeOptions

    func request() -> Request { .log(record: record, limit: limit.limit) }

    func page(for changes: [LoggedChange], on screen: Screen) -> String {
        LogPage.text(changes, on: screen)
    }
}
