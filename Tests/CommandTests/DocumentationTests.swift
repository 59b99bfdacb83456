import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// What help pages, the README and the demo tell people to type does what they say.
@Suite struct DocumentationTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    /// Every example, on a node prepared for it: `3f9a` stands for a record that basil and amal
    /// edited apart, `a1b2:42` for amal's edit and `c3d4:1` for basil's, `c3d4` for basil's log.
    @Test func everyExampleInHelpRuns() throws {
        for (words, examples) in HelpPage.everyCommand() where !["watch"].contains(words.last) {
            for example in examples {
                let result = try ExampleWorld().run(example.command)
                // What it finds in this machine's temporary folder is nothing to be ashamed of.
                let mayFind = example.command.hasPrefix("parley doctor")
                #expect(
                    [0, 4].contains(result.exitCode) || mayFind && result.exitCode == 1,
                    "\(example.command)\n\(result.output)\(result.errors)")
            }
        }
    }

    @Test func everyCommandInTheReadmeRuns() throws {
        let readme = try String(contentsOfFile: "\(Workplace.package)/README.md", encoding: .utf8)
        var session = ReadmeSession(workplace: workplace)
        let commands = ReadmeSession.commands(in: readme)
        #expect(commands.count > 15)
        for command in commands { try session.run(command) }
    }

    @Test func theDemoTellsItsStoryAndLeavesNothingBehind() {
        let result = workplace.shell(
            "export TMPDIR=\(workplace.path); \(Workplace.package)/Scripts/demo "
                + "--programs \(Workplace.programs)", home: workplace.path)
        #expect(result.exitCode == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("Why both stand"))
        let left = try? FileManager.default.contentsOfDirectory(atPath: workplace.path)
        #expect(left == [])
    }
}

/// Two nodes with one conflict between them, and the files that examples read.
private struct ExampleWorld {
    private let workplace: Workplace
    private let amal: TestNode
    private let basil: TestNode
    private let record: String
    private let change: String
    private let changeOfBasil: String

    init() throws {
        workplace = try Workplace()
        amal = TestNode.founder("amal", in: workplace)
        try amal.start()
        basil = try TestNode.guest("basil", of: amal, in: workplace)
        record = try amal.answer(
            "new", "exchange", "title=Sweida", "place=Adra", "date=2026", "tags+=draft",
            as: Written.self
        ).record
        try amal.sync(with: basil)
        basil.stop()
        change = try amal.answer(
            "edit", record, "place=a", "date=2026-02", "note=a", as: Written.self
        ).change
        amal.stop()
        changeOfBasil = try basil.answer(
            "edit", record, "place=b", "date=2026-03", "note=b", as: Written.self
        ).change
        try amal.start()
        try basil.start()
        try amal.sync(with: basil)
        amal.parley("show", record, "--json", exits: 4)
        try write("name=detainee 1\n", to: "person.txt")
        try write("Sweida\n", to: "words.txt")
        _ = try workplace.secret("correct horse battery", in: "passphrase.txt")
        try write("named by Reuters\n", to: "reason.txt")
        try write(#"{"type":"note","fields":{"title":"One"}}"# + "\n", to: "records.jsonl")
    }

    /// Runs an example after what has to come before it.
    func run(_ example: String) throws -> ChildProcess.Result {
        if let preparation = try preparation(for: example) { return preparation }
        let command = example.replacing("3f9a", with: record).replacing("a1b2:42", with: change)
            .replacing("c3d4:1", with: changeOfBasil)
            .replacing("c3d4:0", with: String(changeOfBasil.prefix { $0 != ":" }) + ":0")
        // Leaving the draft as it is settles nothing.
        return workplace.shell(
            "export EDITOR='sed -i 1s/^/both:/'; \(command)", home: amal.home)
    }

    /// - Returns: the result of an example that needs another node than amal's, else `nil`.
    private func preparation(for example: String) throws -> ChildProcess.Result? {
        if example.hasPrefix("parley init") {
            return workplace.shell(example, home: "\(workplace.path)/fresh")
        }
        if example.hasPrefix("parley casebook create") {
            let fresh = workplace.node("fresh")
            fresh.parley("init", "--name", "fresh")
            return workplace.shell(example, home: fresh.home)
        }
        if example.hasPrefix("parley join") {
            let fresh = workplace.node("fresh")
            fresh.parley("init", "--name", "fresh")
            try fresh.start()
            try write(try amal.answer("invite", as: Invited.self).code, to: "invitation.txt")
            return workplace.shell(example, home: fresh.home)
        }
        if example.hasPrefix("parley peer remove") {
            amal.parley("peer", "add", "basil", "127.0.0.1:7441")
        }
        if example.hasPrefix("parley redact") { amal.parley("new", "source", "name=x") }
        if example.hasPrefix("parley key") {
            amal.stop()
        }
        if example.hasPrefix("parley key unprotect") {
            amal.parley("key", "protect", "--passphrase-file", "\(workplace.path)/passphrase.txt")
        }
        if example.hasPrefix("parley restore ./") {
            return workplace.shell(
                "parley backup amal.backup --passphrase-file passphrase.txt; \(example)",
                home: amal.home)
        }
        if example.hasPrefix("parley restore") {
            amal.parley("delete", record, "--yes")
        }
        if example.hasPrefix("parley conflict reopen") {
            amal.parley("conflict", "resolve", record, "place", "--take", change, exits: 4)
        }
        if example.hasPrefix("parley edit 3f9a place") {
            amal.parley("conflict", "resolve", record, "place", "--take", change, exits: 4)
        }
        if example.contains("note:=") {
            amal.parley("conflict", "resolve", record, "note", "--take", change, exits: 4)
        }
        return nil
    }

    private func write(_ text: String, to name: String) throws {
        try text.write(toFile: "\(workplace.path)/\(name)", atomically: false, encoding: .utf8)
    }
}

/// Types along with the README: `$` on one node, `amal$` and `basil$` on a node each.
private struct ReadmeSession {
    struct Command {
        let prompt: String
        let line: String
    }

    let workplace: Workplace
    private var nodes: [String: TestNode] = [:]

    init(workplace: Workplace) {
        self.workplace = workplace
    }

    /// The lines with a prompt in fenced blocks of the language `console`.
    static func commands(in readme: String) -> [Command] {
        var isConsole = false
        return readme.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line in
            if line.hasPrefix("```") { isConsole = line == "```console" && !isConsole }
            guard isConsole, let prompt = line.firstRange(of: "$ ") else { return nil }
            let name = String(line[..<prompt.lowerBound])
            return Command(prompt: name, line: String(line[prompt.upperBound...]))
        }
    }

    mutating func run(_ command: Command) throws {
        let node = nodes[command.prompt] ?? workplace.node("node-\(command.prompt)")
        nodes[command.prompt] = node
        guard !command.line.hasPrefix("parleyd") else {
            try node.start()
            return
        }
        guard !command.line.hasPrefix("export PARLEY_HOME") else { return }
        var line = command.line
        for (name, node) in nodes where !name.isEmpty {
            line.replace("\(name).example:7440", with: node.address)
        }
        let result = workplace.shell(line, home: node.home)
        #expect(
            [0, 4].contains(result.exitCode),
            "\(command.prompt)$ \(line)\n\(result.output)\(result.errors)")
        if line.hasPrefix("parley invite") {
            let code = String(result.output.prefix { $0 != "\n" })
            try code.write(
                toFile: "\(workplace.path)/invitation.txt", atomically: false, encoding: .utf8)
        }
    }
}
