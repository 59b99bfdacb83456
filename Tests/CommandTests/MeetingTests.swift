import Glibc
import ParleyTestSupport
import Testing
import parley

/// Three real processes over real TCP and TLS.
@Suite struct MeetingTests {
    private let workplace: Workplace
    private let amal: TestNode
    private let basil: TestNode
    private let chadia: TestNode

    /// amal knows basil, basil knows chadia.
    init() throws {
        workplace = try Workplace()
        amal = TestNode.founder("amal", in: workplace)
        try amal.start()
        basil = try TestNode.guest("basil", of: amal, role: "coordinator", in: workplace)
        chadia = try TestNode.guest("chadia", of: basil, in: workplace)
    }

    private var all: [TestNode] { [amal, basil, chadia] }

    /// Meets in a line, never all three at once, until everything has passed both ways.
    private func meetInLine() throws {
        for node in all { node.stop() }
        for (left, right) in [(amal, basil), (basil, chadia), (amal, basil)] {
            try left.start()
            try right.start()
            try left.sync(with: right)
            left.stop()
            right.stop()
        }
    }

    private func expectEqualDigests(at location: SourceLocation = #_sourceLocation) throws {
        let digests = try Set(all.map { try $0.standing().digest })
        #expect(digests.count == 1, sourceLocation: location)
    }

    @Test func editsMadeApartMeetInALine() throws {
        let exchange: Written = try amal.answer("new", "exchange", "title=Sweida", "place=Adra")
        let prison: Written = try basil.answer("new", "facility", "name=Adra Central Prison")
        try meetInLine()
        try expectEqualDigests()

        amal.parley("edit", exchange.record, "place=Adra Central Prison", "tags+=a")
        chadia.parley("edit", exchange.record, "place=near Damascus", "tags+=c")
        basil.parley("edit", exchange.record, "stage=completed")
        basil.parley("delete", prison.record, "--yes")
        chadia.parley("edit", prison.record, "location=near Damascus")
        try meetInLine()
        try expectEqualDigests()

        for node in all {
            let conflicts: [Conflict] = try node.answer("conflict", "list")
            #expect(
                Set(conflicts.map { "\($0.record) \($0.field)" })
                    == ["\(exchange.record) place", "\(prison.record) state"])
            let place = try #require(conflicts.first { $0.field == "place" })
            #expect(Set(place.values.map(\.by)) == ["amal", "chadia"])
        }
        let shown: Shown = try amal.answer("show", exchange.record)
        #expect(shown.fields["tags"] == .list([.text("a"), .text("c")]))
        #expect(shown.fields["stage"] == .text("completed"))
    }

    @Test func aResolutionReachesEverybodyWithItsReason() throws {
        let exchange: Written = try amal.answer("new", "exchange", "title=Sweida")
        try meetInLine()
        amal.parley("edit", exchange.record, "place=Adra")
        chadia.parley("edit", exchange.record, "place=Damascus")
        try meetInLine()
        let refused = basil.parley("edit", exchange.record, "place=both", exits: 1)
        #expect(refused.errors.contains("parley conflict resolve"))

        let conflict: Conflict = try basil.answer("conflict", "show", exchange.record)
        let side = try #require(conflict.values.first { $0.by == "chadia" })
        basil.parley(
            "conflict", "resolve", exchange.record, "place", "--take", side.change, "--because",
            "the primary source")
        try meetInLine()
        try expectEqualDigests()
        for node in all {
            #expect(try node.standing().conflicts == 0)
            let shown: Shown = try node.answer("show", exchange.record)
            #expect(shown.fields["place"] == .text("Damascus"))
            let log: [Logged] = try node.answer("log", exchange.record)
            #expect(log[0].because == "the primary source")
        }
    }

    @Test func aConflictIsSettledToNothing() throws {
        let exchange: Written = try amal.answer("new", "exchange", "title=Sweida")
        try meetInLine()
        amal.parley("edit", exchange.record, "place=Adra")
        chadia.parley("edit", exchange.record, "place=Damascus")
        try meetInLine()
        let blind = ["conflict", "resolve", exchange.record, "place", "--unset"]
        #expect(basil.run(blind).errors.contains("parley conflict show"))
        // Neither page has both values in full.
        basil.parley("show", exchange.record, exits: 4)
        basil.parley("conflict", "list", exits: 4)
        let refused = basil.run(blind)
        #expect(refused.exitCode == 1)
        let command = "parley conflict show \(exchange.record.prefix(8)) place"
        #expect(refused.errors.contains("`\(command)`"))
        basil.parley("conflict", "show", exchange.record, "place", exits: 4)
        basil.parley("conflict", "resolve", exchange.record, "place", "--unset")
        let shown: Shown = try basil.answer("show", exchange.record)
        #expect(shown.fields["place"] == nil)
        #expect(try basil.standing().conflicts == 0)
    }

    /// Edits made apart on all three, and the one in the middle killed while it receives: the
    /// watcher's first note proves that they are arriving; there are far more to come.
    @Test func aNodeKilledInTheMiddleOfASyncCatchesUp() throws {
        let exchange: Written = try amal.answer("new", "exchange", "title=Sweida", "place=Adra")
        try meetInLine()
        amal.parley("edit", exchange.record, "place=Adra Central Prison")
        chadia.parley("edit", exchange.record, "place=near Damascus")
        basil.parley("edit", exchange.record, "stage=completed")
        let lines = (0..<40_000).map { #"{"type":"note","fields":{"title":"note \#($0)"}}"# }
        amal.parley("import", "-", input: lines.joined(separator: "\n"))
        try basil.start()
        let pipe = ChildProcess.pipe()
        let watcher = ChildProcess(
            "\(Workplace.programs)/parley", ["watch", "--json"], pipe: pipe.writing,
            variables: Workplace.variables(home: basil.home), folder: "/tmp")
        try amal.start()
        while !TestNode.line(from: pipe.reading).contains("\"note\"") {}
        #expect(basil.stop(SIGKILL) == 128 + SIGKILL)
        let arrived = try basil.standing().records
        #expect(arrived > 1 && arrived < 40_001, "killed when nothing or everything had come")
        close(pipe.reading)
        _ = watcher.wait()

        try meetInLine()
        try expectEqualDigests()
        for node in all {
            #expect(try node.standing().records == 40_001)
            let conflicts: [Conflict] = try node.answer("conflict", "list")
            #expect(conflicts.map { "\($0.record) \($0.field)" } == ["\(exchange.record) place"])
        }
    }
}
