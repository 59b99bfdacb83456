import ArgumentParser
import ParleyControl
import ParleyNode

/// `parley import`
struct Import: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Create records from JSON lines.",
        discussion: """
            One record and one change a line: {"type":"person","fields":{"name":"...","tags":["..."]}}. \
            A line that is refused is named with its number and leaves nothing behind; the others \
            are imported, and @last is then the last of them. Exit code 1: some were refused. Should \
            it fail on the way, or be ended with Ctrl-C, it says which lines are in and how to go on.
            """)
    static let examples = [
        Example("a file", "parley import records.jsonl"),
        Example("what another program prints", "parley import - < records.jsonl"),
        Example("what it would do", "parley import records.jsonl --dry-run"),
        Example("the rest of a file", "parley import records.jsonl --lines 2-"),
    ]

    @Argument(help: "The file, - for standard input.") var file: String
    @Option(
        help: ArgumentHelp(
            "Only these lines, counted from 1, for example 2001- or 5,7-9.", valueName: "lines"))
    var lines = LineRanges.all
    @Flag(help: "Check all lines and write nothing.") var dryRun = false
    @OptionGroup var options: NodeOptions

    func run() async throws {
        let reader = try LineReader(path: file, wanted: lines)
        let ledger = try await Session.with(options) { session in
            let ledger = await ImportRun(
                session: session, sibling: try session.sibling(), isRehearsal: dryRun
            ).run(reader)
            // Two chunks are under way at once, so which came last is known here only. A record
            // that was asked for is the one used last.
            if let last = ledger.lastRecord {
                _ = try? await session.perform(.show(record: last, at: nil))
            }
            return ledger
        }
        let end = reader.isAtEnd ? reader.linesRead : nil
        let total = ledger.total(end: end)
        if options.json {
            Output.json(try total.json)
        } else {
            Output.write(ImportPage.text(total, isRehearsal: dryRun))
        }
        if dryRun, let failure = ledger.failure { throw failure }
        if let failure = ledger.explained(of: file, end: end) { throw failure }
        if !total.refused.isEmpty { throw ExitCode(Exit.refused) }
    }
}

/// What an import did, for people.
enum ImportPage {
    /// More refusals than this are counted and not listed.
    private static let listed = 20

    static func text(_ answer: ImportAnswer, isRehearsal: Bool) -> String {
        let deed = isRehearsal ? "would be created" : "created"
        var page = "\(Amount.text(answer.created, "record")) \(deed)"
        if answer.changed > 0 { page += ", \(answer.changed) changed" }
        page +=
            answer.refused.isEmpty
            ? "\n" : ", \(Amount.text(answer.refused.count, "line")) refused\n"
        for refusal in answer.refused.prefix(listed) {
            page += "  line \(refusal.line): \(PrintableText.line(refusal.error))\n"
        }
        if answer.refused.count > listed {
            page += "  and \(answer.refused.count - listed) more: see --json\n"
        }
        return page
    }
}
