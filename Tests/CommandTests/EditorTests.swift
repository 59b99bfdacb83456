import FoundationEssentials
import ParleyTestSupport
import Testing
import parley

/// Settling a conflict by hand: nothing that was typed is lost.
@Suite struct EditorTests {
    private let workplace: Workplace
    private let node: TestNode
    private let record: String

    /// A node alone, without its daemon, with a conflict over a narrative and one over a date.
    init() throws {
        workplace = try Workplace()
        node = TestNode.founder("amal", in: workplace)
        try node.start()
        let basil = try TestNode.guest("basil", of: node, in: workplace)
        record = try node.answer("new", "exchange", "title=Sweida", as: Written.self).record
        try node.sync(with: basil)
        node.stop()
        basil.parley("edit", record, "narrative=two", "date=2026")
        basil.stop()
        node.parley("edit", record, "narrative=one", "date=2025")
        try node.start()
        try basil.start()
        try node.sync(with: basil)
        node.stop()
    }

    private var drafts: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: node.home)
                .filter { $0.hasPrefix("draft-") }
        }
    }

    /// Settles a field with an editor that runs a script on the draft, `$1`.
    private func resolve(_ field: String, editor script: String) throws -> ChildProcess.Result {
        node.parley("show", record, exits: 4)
        let editor = "\(workplace.path)/editor"
        try "\(script)\n".write(toFile: editor, atomically: false, encoding: .utf8)
        // Read by a shell, not executed: another test's child that is just starting may still hold
        // the file open for writing, and such a file can't be executed.
        return workplace.shell(
            "EDITOR='sh -e \(editor)' parley conflict resolve @last \(field) --edit",
            home: node.home)
    }

    @Test func theValueAboveTheLineSettlesIt() throws {
        let edited = try resolve("narrative", editor: "sed -i 1s/.*/three/ $1")
        #expect(edited.exitCode == 4, "the date is still open: \(edited.errors)")
        let shown: Shown = try node.answer("show", record)
        #expect(shown.fields["narrative"] == .text("three"))
        #expect(try drafts.isEmpty)
    }

    @Test func anEmptyDraftSettlesNothing() throws {
        let emptied = try resolve("narrative", editor: "cp /dev/null $1")
        #expect(emptied.exitCode == 1)
        let command = try #require(
            emptied.errors.split(separator: "`").first { $0.hasSuffix("--unset") })
        #expect(command == "parley conflict resolve \(record.prefix(8)) narrative --unset")
        #expect(try node.standing().conflicts == 2)
        #expect(try drafts.isEmpty)
    }

    /// A text is taken as it is: empty lines, spaces at both ends, line breaks at the end, however
    /// the editor marks the file and its lines.
    @Test(arguments: ["", "sed -i 's/$/\\r/' $1", "sed -i '1s/^/\\xef\\xbb\\xbf/' $1"])
    func aTextIsTakenByteForByte(editor: String) throws {
        let text = "  first\n\n\tsecond \n  \n\n"
        let written = workplace.shell(
            "printf '  first\\n\\n\\tsecond \\n  \\n\\n' > \(workplace.path)/text", home: node.home)
        #expect(written.exitCode == 0)
        let script =
            "(cat \(workplace.path)/text; echo; sed 1d $1) > $1.new; mv $1.new $1; \(editor)"
        let edited = try resolve("narrative", editor: script)
        #expect(edited.exitCode == 4, "\(edited.errors)")
        let shown: Shown = try node.answer("show", record)
        #expect(shown.fields["narrative"] == .text(text))
    }

    /// Leaving the editor without a word is no decision, however it was left.
    @Test(arguments: [
        "true", "cp $1 $1.new; mv $1.new $1", "truncate -s -1 $1", "sed -i 's/^# *2026.*//' $1",
    ])
    func anUnchangedDraftSettlesNothing(script: String) throws {
        let left = try resolve("narrative", editor: script)
        #expect(left.exitCode == 1)
        #expect(left.output.isEmpty)
        #expect(left.errors.contains("nothing settled: the text was left unchanged"))
        #expect(try node.standing().conflicts == 2)
        #expect(try drafts.isEmpty)
    }

    /// With the line gone that ends the value, what was only there to be read isn't taken for it;
    /// with all of that gone, what is left is the value.
    @Test func aDraftWithoutItsEndSettlesNothing() throws {
        let left = try resolve("narrative", editor: "sed -i '1s/^/new /; /^# ----/d' $1")
        #expect(left.exitCode == 1)
        #expect(left.errors.contains("nothing settled: the line `# ---- the value"))
        #expect(try node.standing().conflicts == 2)
        #expect(try drafts.count == 1)
        let whole = try resolve("narrative", editor: "sed -i '1s/^/new /; /^# ----/,$d' $1")
        #expect(whole.exitCode == 4, "\(whole.errors)")
        #expect(try node.standing().conflicts == 1)
    }

    /// The node refuses the date; the text stays where the message says, and that command works.
    @Test func aRefusalKeepsWhatWasTyped() throws {
        let refused = try resolve("date", editor: "sed -i '1s/.*/the day it rained/' $1")
        #expect(refused.exitCode == 1)
        let draft = try #require(try drafts.first)
        #expect(refused.errors.contains("\(node.home)/\(draft)"))
        let command = try #require(
            refused.errors.split(separator: "`").last { $0.contains("--from") })
        let path = "\(node.home)/\(draft)"
        let status = workplace.shell("stat -c %a \(path); grep -c rained \(path)", home: node.home)
        #expect(status.output == "600\n1\n")
        let again = workplace.shell(
            "sed -i '1s/.*/mid-July 2025/' \(path); \(command)", home: node.home)
        #expect(again.exitCode == 4, "\(again.errors)")
        let shown: Shown = try node.answer("show", record)
        #expect(shown.fields["date"] == .text("mid-July 2025"))
    }

    @Test(arguments: [false, true])
    func anEditorThatFailsKeepsWhatWasTyped(typed: Bool) throws {
        let result = try resolve("date", editor: typed ? "echo 2025 > $1; exit 1" : "exit 1")
        #expect(result.exitCode == 1)
        #expect(try drafts.count == (typed ? 1 : 0))
        #expect(try drafts.allSatisfy { result.errors.contains($0) })
    }

    /// Other commands work meanwhile, and what they make the last record doesn't matter.
    @Test func theHomeIsFreeWhileTheEditorIsOpen() throws {
        let result = try resolve(
            "narrative", editor: "parley new note title=Meanwhile >&2; sed -i 1s/.*/three/ $1")
        #expect(result.exitCode == 4, "\(result.errors)")
        #expect(result.errors.contains("created note"))
        let shown: Shown = try node.answer("show", record)
        #expect(shown.fields["narrative"] == .text("three"))
    }
}
