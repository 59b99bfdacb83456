import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing
import parley

/// What is typed into records shows up where it was asked for, and nowhere else: not in the daemon's
/// log at its most talkative, not in the process list, not in an error.
@Suite struct LeakTests {
    private static let marker = "MARKER"

    private let workplace: Workplace
    private let amal: TestNode
    private let basil: TestNode

    init() throws {
        workplace = try Workplace()
        amal = TestNode.founder("amal", in: workplace)
        try amal.start("--verbose")
        basil = try TestNode.guest("basil", of: amal, in: workplace)
        basil.stop()
        try basil.start("--verbose")
    }

    /// Runs a command whose personal values come by standard input or a file.
    private func run(_ node: TestNode, _ arguments: String..., input: String = "") {
        let result = node.run(arguments, input: input)
        #expect(
            !result.errors.contains(Self.marker),
            "parley \(arguments.joined(separator: " "))\n\(result.errors)")
    }

    private func commandLine(of node: TestNode) throws -> String {
        let pid = try #require(node.daemon?.pid)
        return String(
            decoding: try Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline")), as: UTF8.self)
    }

    @Test func personalValuesStayInRecords() throws {
        let because = "\(workplace.path)/because.txt"
        try "MARKER-REASON".write(toFile: because, atomically: false, encoding: .utf8)
        run(amal, "new", "person", "--from", "-", input: "name=MARKER-NAME\nnote=MARKER-NOTE\n")
        let record = try #require(try amal.answer("list", as: [Listed].self).first).record
        try amal.sync(with: basil)
        for node in [amal, basil] { node.stop() }
        for (node, value) in [(amal, "MARKER-A"), (basil, "MARKER-B")] {
            run(
                node, "edit", record, "--from", "-", "--because-from", because,
                input: "name=\(value)\n")
        }
        for node in [amal, basil] { try node.start("--verbose") }
        _ = amal.run(["sync", "basil", "--wait", "60"])

        amal.parley("conflict", "list", exits: 4)
        run(amal, "conflict", "show", record, "name")
        run(amal, "show", record)
        run(amal, "log", record)
        run(amal, "find", Self.marker)
        mistakes(with: record, because)
        deeds(on: record, because)
        // One of them as if it had trapped: what the runtime says then counts too.
        for (node, signal) in [(amal, SIGABRT), (basil, SIGTERM)] {
            #expect(!(try commandLine(of: node)).contains(Self.marker))
            node.stop(signal)
            let log = try #require(node.daemonLog)
            #expect(!log.isEmpty && !log.contains(Self.marker), "\(log)")
        }
    }

    /// Commands that take names and values as arguments, which the daemon's log mustn't show either.
    private func deeds(on record: String, _ because: String) {
        run(
            amal, "conflict", "resolve", record, "name", "--value", "MARKER-C", "--because-from",
            because)
        run(amal, "conflict", "reopen", record, "name", "--because-from", because)
        run(amal, "conflict", "resolve", record, "name", "--take", "ffff:1")
        run(amal, "list", "person", "name=MARKER-C")
        run(amal, "list", "person", "born=MARKER")
        run(amal, "peer", "rename", "basil", "MARKER-PEER")
        run(amal, "sync", "MARKER-PEER", "--wait", "60")
        run(amal, "casebook", "create", "MARKER-CASEBOOK")
        run(amal, "status")
    }

    /// Everything a person may get wrong with a personal value in hand.
    private func mistakes(with record: String, _ because: String) {
        let inputs = [
            "name=MARKER\nno-such-field=MARKER\n", "MARKER\n", "=MARKER\n", "born=MARKER\n",
            "name:=MARKER\n", "name+=MARKER\n", "name=MARKER\nname=MARKER-TWICE\n",
            "note=" + String(repeating: "MARKER ", count: 20_000) + "\n",
        ]
        for input in inputs {
            run(amal, "new", "person", "--from", "-", input: input)
            run(amal, "edit", record, "--from", "-", input: input)
        }
        run(amal, "new", "exchange", "--from", "-", input: "date=MARKER\nreleased_by_a=MARKER\n")
        run(amal, "edit", record, "--from", "-", input: "name=MARKER-IN-CONFLICT\n")
        run(amal, "delete", record, "--yes", "--because-from", because)
        run(amal, "edit", record, "--from", "-", input: "note=MARKER-AFTER-DELETION\n")
        run(amal, "restore", record, "--because-from", because)
        let lines = [
            #"{"type":"MARKER","fields":{}}"#, #"{"type":"note","fields":{"MARKER":"x"}}"#,
            #"{"type":"note","fields":{"title":["MARKER"]}}"#, "MARKER", #"{"MARKER":1}"#,
            #"{"type":"exchange","fields":{"date":"MARKER"}}"#,
        ]
        // Refusals are this command's answer; a field's name is none of a person.
        let refused = amal.run(
            ["import", "-"],
            input: (lines.filter { !$0.contains(#""MARKER":"#) }
                .filter { !$0.contains(#""type":"MARKER""#) }).joined(separator: "\n"))
        #expect(!(refused.output + refused.errors).contains(Self.marker), "\(refused.output)")
        run(amal, "join", "-", input: "parley1-MARKER MARKER\n")
    }
}
