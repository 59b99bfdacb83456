import FoundationEssentials
import ParleyTestSupport
import Testing
import parley

/// What one analyst does alone; the same with the daemon running and without one.
@Suite struct RecordCommandTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    private func node(withDaemon: Bool) throws -> TestNode {
        let node = TestNode.founder("amal", in: workplace)
        if withDaemon { try node.start() }
        return node
    }

    @Test(arguments: [false, true])
    func writesAndReadsRecords(withDaemon: Bool) throws {
        let node = try node(withDaemon: withDaemon)
        let created: Written = try node.answer(
            "new", "exchange", "title=Sweida exchange", "date=2026-02-26", "mediators+=ICRC")
        let edited: Written = try node.answer(
            "edit", "@last", "place=Sweida", "mediators+=Tim Ballard Foundation", "--because",
            "named by Reuters")
        #expect(edited.record == created.record)
        let shown: Shown = try node.answer("show", created.record)
        #expect(shown.state == "live")
        #expect(
            shown.fields == [
                "title": .text("Sweida exchange"), "date": .text("2026-02-26"),
                "place": .text("Sweida"),
                "mediators": .list([.text("ICRC"), .text("Tim Ballard Foundation")]),
            ])
        let earlier: Shown = try node.answer("show", "@last", "--at", created.change)
        #expect(earlier.fields["place"] == nil)
        let log: [Logged] = try node.answer("log", created.record)
        #expect(log.map(\.change) == [edited.change, created.change])
        #expect(log[0].because == "named by Reuters")
        #expect(log[0].by == "amal")
    }

    /// What a page prints can be copied into the next command, a time as well as an ID.
    @Test func whatIsPrintedIsAccepted() throws {
        let node = try node(withDaemon: false)
        let created: Written = try node.answer("new", "note", "title=One")
        let line = node.parley("log", created.record).output
        let time = try #require(line.firstMatch(of: /\d{4}-\d\d-\d\d \d\d:\d\d/)).output
        for zone in ["UTC", "Asia/Damascus", "America/New_York"] {
            let result = workplace.shell(
                """
                export TZ=\(zone); at=$(parley log @last | grep -o '[0-9-]\\{10\\} [0-9:]\\{5\\}')
                parley show @last --at "$at"; parley show @last --at "${at% *}"
                """, home: node.home)
            #expect(result.exitCode == 0, "\(zone): \(result.errors)")
        }
        node.parley("show", created.record, "--at", "\(time):59.999")
        let refused = node.parley("show", created.record, "--at", "noon", exits: 1)
        for form in ["2026-02-26 10:42`", "2026-02-26T10:42+03:00`", "3f9a:42`"] {
            #expect(refused.errors.contains(form))
        }
        node.parley("show", created.record, "--at", "2026-02-31", exits: 1)
        for id in ["\u{2066}\(created.record)\u{2069}", "\u{200e}\(created.record.prefix(8)) "] {
            let shown: Shown = try node.answer(
                "show", id, "--at", "\u{200e}\(created.change)\u{200e}")
            #expect(shown.fields["title"] == .text("One"))
        }
    }

    @Test func listsWhatWasDeleted() throws {
        let node = try node(withDaemon: false)
        let kept: Written = try node.answer("new", "note", "title=Kept")
        let gone: Written = try node.answer("new", "note", "title=Gone")
        node.parley("delete", gone.record, "--yes")
        let listed: [Listed] = try node.answer("list", "note")
        #expect(listed.map(\.record) == [kept.record])
        let deleted: [Listed] = try node.answer("list", "note", "--deleted")
        #expect(deleted.map(\.record) == [gone.record])
        #expect(node.parley("list", "--deleted").output.contains("deleted"))
    }

    /// After much has come in, a search says what it does first, and misses nothing.
    @Test func aSearchSaysThatItIndexesFirst() throws {
        let node = try node(withDaemon: false)
        let lines = (0..<1_200).map { #"{"type":"note","fields":{"title":"note \#($0)"}}"# }
        node.parley("import", "-", input: lines.joined(separator: "\n"))
        let first = node.parley("find", "1199")
        #expect(first.errors == "indexing 1200 new records first ...\n")
        #expect(first.output.contains("note 1199"))
        #expect(node.parley("find", "1198").errors == "")
    }

    @Test(arguments: [false, true])
    func listsAndFinds(withDaemon: Bool) throws {
        let node = try node(withDaemon: withDaemon)
        node.parley("new", "facility", "name=سِجن عدرا المركزي")
        node.parley("new", "exchange", "title=Échange de Sweida", "tags+=verified")
        let exchanges: [Listed] = try node.answer("list", "exchange")
        #expect(exchanges.map(\.title) == ["Échange de Sweida"])
        let tagged: [Listed] = try node.answer("list", "tags=verified")
        #expect(tagged.map(\.title) == ["Échange de Sweida"])
        for words in ["سجن", "مركزي", "المركزى"] {
            let arabic: [Listed] = try node.answer("find", words)
            #expect(arabic.map(\.title) == ["سِجن عدرا المركزي"])
        }
        let french: [Listed] = try node.answer("find", "echange")
        #expect(french.map(\.title) == ["Échange de Sweida"])
        #expect(node.parley("list").output.contains("سِجن عدرا المركزي"))
    }

    @Test(arguments: [false, true])
    func deletesOnlyWhenToldTwiceAndRestores(withDaemon: Bool) throws {
        let node = try node(withDaemon: withDaemon)
        let created: Written = try node.answer("new", "note", "title=Call back")
        let refused = node.parley("delete", created.record, exits: 2)
        #expect(refused.errors.contains("--yes"))
        node.parley("delete", created.record, "--yes")
        #expect(try node.standing().records == 0)
        let edit = node.parley("edit", created.record, "title=Later", exits: 1)
        #expect(edit.errors.contains("parley restore"))
        node.parley("restore", created.record)
        #expect(try node.answer("show", created.record, as: Shown.self).state == "live")
    }

    @Test func deletingAsksWithTheTitle() throws {
        let node = try node(withDaemon: false)
        let made: Written = try node.answer("new", "facility", "name=Adra \u{202e}Prison")
        let id = made.record.prefix(8)
        let kept = node.onTerminal("delete", "@last", typing: "n\n")
        #expect(kept.exitCode == 1)
        #expect(
            kept.shown.contains(
                "Delete facility \(id), Adra <202e>Prison, from the casebook, for everybody? [y/N] "
            ))
        #expect(try node.answer("show", made.record, as: Shown.self).state == "live")
        let gone = node.onTerminal("delete", made.record, typing: "y\n")
        #expect(gone.exitCode == 0)
        #expect(gone.shown.contains("parley restore \(id)"))
        #expect(try node.answer("show", made.record, as: Shown.self).state == "deleted")
        #expect(node.onTerminal("delete", "ffffffff", typing: "y\n").exitCode == 3)
    }

    @Test func importsLinesAndNamesThoseItRefuses() throws {
        let node = try node(withDaemon: false)
        let lines = [
            #"{"type":"note","fields":{"title":"One","tags":["a","b"]}}"#,
            #"{"type":"nota","fields":{"title":"Two"}}"#,
            #"{"type":"note","fields":{"title":"Three"}"#,
            #"{"type":"note","fields":{"title":"Four"}}"#,
        ]
        let result = node.parley("import", "-", input: lines.joined(separator: "\n"), exits: 1)
        #expect(result.output.hasPrefix("2 records created, 2 lines refused\n  line 2: "))
        #expect(result.output.contains("\n  line 3: "))
        let titles = try node.answer("list", as: [Listed].self).map(\.title)
        #expect(titles.sorted() == ["Four", "One"])
    }

    @Test func reasonsFromAFileStayOutOfTheProcessList() throws {
        let node = try node(withDaemon: false)
        node.parley("new", "note", "title=One", "--because-from", "-", input: "named\nby two\n")
        let file = "\(workplace.path)/reason.txt"
        try "an error\n".write(toFile: file, atomically: false, encoding: .utf8)
        node.parley("delete", "@last", "--yes", "--because-from", file)
        let log: [Logged] = try node.answer("log", "@last")
        #expect(log.map(\.because) == ["an error", "named\nby two"])
        for arguments in [
            ["restore", "@last", "--because", "x", "--because-from", file],
            ["new", "note", "--from", "-", "--because-from", "-"],
        ] {
            let refused = node.run(arguments)
            #expect(refused.exitCode == 2, "\(refused.errors)")
        }
        #expect(node.run(["restore", "@last", "--because-from", "/nowhere"]).exitCode == 1)
    }

    @Test func valuesFromAFileStayOutOfTheProcessList() throws {
        let node = try node(withDaemon: false)
        node.parley(
            "new", "person", "--from", "-", input: "name=detainee 1\nnote=first line\n  second\n")
        let shown: Shown = try node.answer("show", "@last")
        #expect(shown.fields["note"] == .text("first line\nsecond"))
    }
}
