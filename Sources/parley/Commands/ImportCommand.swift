import ArgumentParser
import FoundationEssentials
import Glibc
import ParleyControl

/// `parley import`
struct Import: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Create records from JSON lines.",
        discussion: """
            One record and one change a line: {"type":"person","fields":{"name":"...","tags":["..."]}}. \
            A line that is refused is named with its number and leaves nothing behind; the others \
            are imported. Exit code 1: some were refused.
            """)
    static let examples = [
        Example("a file", "parley import records.jsonl"),
        Example("what another program prints", "parley import - < records.jsonl"),
    ]

    @Argument(help: "The file, - for standard input.") var file: String
    @OptionGroup var options: NodeOptions

    func run() async throws {
        guard let lines = LineReader(path: file) else {
            throw CommandFailure(
                Exit.refused,
                "cannot read `\(file)`: no such file, or not readable. Check its path.")
        }
        let total = try await Session.with(options) { try await importAll(lines, in: $0) }
        Output.write(options.json ? try total.json + "\n" : ImportPage.text(total))
        if !total.refused.isEmpty { throw ExitCode(Exit.refused) }
    }

    /// Keeps two chunks under way, so that one is read while the other is written.
    private func importAll(_ lines: LineReader, in session: Session) async throws -> ImportAnswer {
        let second = Session(backend: try session.backend.sibling(), options: options)
        var total = ImportAnswer()
        var bar = ProgressBar(label: "importing", total: lines.byteCount)
        let showsBar = Surroundings.hasErrorTerminal && lines.byteCount > 0
        defer { if showsBar { Output.note(ProgressBar.erasure) } }
        var underWay: [Task<ImportAnswer, any Error>] = []
        var number = 0
        while let chunk = try lines.next() {
            if underWay.count == 2 { total.add(try await underWay.removeFirst().value) }
            let turn = number.isMultiple(of: 2) ? session : second
            number += 1
            underWay.append(
                Task {
                    try await turn.perform(
                        .importLines(firstLine: chunk.firstLine, lines: chunk.lines)
                    ).answer()
                })
            if showsBar, let line = bar.line(at: lines.bytesRead) { Output.note(line) }
        }
        for task in underWay { total.add(try await task.value) }
        return total
    }
}

extension ImportAnswer {
    fileprivate mutating func add(_ other: ImportAnswer) {
        created += other.created
        changed += other.changed
        refused += other.refused
    }
}

/// What an import did, for people.
enum ImportPage {
    /// More refusals than this are counted and not listed.
    private static let listed = 20

    static func text(_ answer: ImportAnswer) -> String {
        var page = "\(Counted.text(answer.created, "record")) created"
        if answer.changed > 0 { page += ", \(answer.changed) changed" }
        page +=
            answer.refused.isEmpty
            ? "\n" : ", \(Counted.text(answer.refused.count, "line")) refused\n"
        for refusal in answer.refused.prefix(listed) {
            page += "  line \(refusal.line): \(PrintableText.line(refusal.error))\n"
        }
        if answer.refused.count > listed {
            page += "  and \(answer.refused.count - listed) more: see --json\n"
        }
        return page
    }
}
