import FoundationEssentials
import ParleyTestSupport
import Testing
import parley

/// Pages for people, made from answers as the contract has them.
@Suite struct RenderingTests {
    private static let amal = String(repeating: "a1b2c3d4", count: 8)
    private static let basil = String(repeating: "77e0c3d4", count: 8)
    private static let amalsLog = "a1b2c3d4a1b2c3d4.7d00000000000001"
    private static let basilsLog = "77e0c3d477e0c3d4.1100000000000001"

    private static func conflict(field: String, amal first: String, basil second: String) -> String
    {
        """
        {"record":"3f9a01c2d4e5f60718293a4b5c6d7e8f","type":"exchange","title":"Sweida exchange",
         "field":"\(field)","values":[
         {"value":"\(second)","by":"basil","node":"\(basil)","at":"2026-02-26T10:58:03.120Z",
          "change":"\(basilsLog):7","seen":{"\(amalsLog)":41,"\(basilsLog)":6},
          "reason":"named by the second report"},
         {"value":"\(first)","by":"amal","node":"\(amal)","at":"2026-02-26T10:42:00.000Z",
          "change":"\(amalsLog):42","seen":{"\(amalsLog)":41}}],
         "base":["Adra"]}
        """
    }

    private func answer<Answer: Decodable>(_ json: String) throws -> Answer {
        try JSONDecoder().decode(Answer.self, from: Data(json.utf8))
    }

    @Test func conflictNamesBothPeopleAndTheCommandsThatSettleIt() throws {
        let json = Self.conflict(
            field: "place", amal: "Adra Central Prison", basil: "near Damascus")
        let page = ConflictPage(try answer(json), on: .plain).text
        #expect(page.contains("before"))
        #expect(page.contains("Adra Central Prison  near Damascus"))
        #expect(page.contains("named by the second report"))
        #expect(page.contains("without having seen the edit of"))
        #expect(page.contains("by amal, who had not seen this one"))
        #expect(
            page.contains("amal's node then held none of basil's changes, and 77e0:7 is number 7."))
        #expect(
            page.contains("basil's node then held 41 of amal's changes, and a1b2:42 is number 42."))
        let seen = "--seen a1b2:42,77e0:7"
        #expect(page.contains("parley conflict resolve 3f9a01c2 place --take a1b2:42 \(seen)\n"))
        #expect(page.contains("parley conflict resolve 3f9a01c2 place --take 77e0:7 \(seen)\n"))
    }

    /// Nothing is called settled that isn't.
    @Test func aResolutionSaysWhatIsStillOpen() throws {
        func page(_ open: String) throws -> String {
            ResolutionPage.text(
                settling: try answer(
                    """
                    {"record":"3f9a01c2","field":"place","change":"\(Self.amalsLog):43",
                     "conflicts":[\(open)]}
                    """), on: .plain)
        }
        #expect(try page("") == "settled place of 3f9a01c2  change a1b2:43\n")
        let other = try page(#""date""#)
        #expect(other.hasPrefix("settled place of 3f9a01c2"))
        #expect(
            other.contains("still open; see both sides with\n  parley conflict show 3f9a01c2 date"))
        let same = try page(#""place","date""#)
        #expect(!same.contains("settled"))
        #expect(same.contains("place is still in conflict"))
        #expect(same.contains("\n  parley conflict show 3f9a01c2 place\n"))
        #expect(same.contains("\n  parley conflict show 3f9a01c2 date\n"))
    }

    /// A settled conflict whose values were put back: who settled it knew of the others.
    @Test func aReopenedConflictSaysWhoKnewOfWhat() throws {
        let reopened =
            #""reopened":{"by":"chadia","node":"c0de","at":"2026-02-27T09:00:00.000Z","change":"c0de.00:3"}"#
        let page = ConflictPage(
            try answer(
                """
                {"record":"3f9a01c2d4","type":"exchange","title":"x","field":"place","base":[],
                 "values":[
                 {"value":"Adra","by":"amal","node":"a1b2","at":"2026-02-26T10:42:00.000Z",
                  "change":"\(Self.amalsLog):42","seen":{"\(Self.basilsLog)":0},\(reopened)},
                 {"value":"Damascus","by":"basil","node":"77e0","at":"2026-02-26T10:58:00.000Z",
                  "change":"\(Self.basilsLog):7","seen":{"\(Self.amalsLog)":41},\(reopened)},
                 {"value":"Homs","by":"amal","node":"a1b2","at":"2026-02-26T11:30:00.000Z",
                  "change":"\(Self.amalsLog):43","seen":{"\(Self.basilsLog)":7},\(reopened)}]}
                """), on: .plain
        ).text.replacing("\n  ", with: " ")
        #expect(page.contains("by amal (1), who had not seen this one either."))
        #expect(!page.contains("without having seen the edit of basil"))
        #expect(page.contains(/amal \(3\) wrote at [0-9:]+ knowing of the edit of/))
        #expect(page.contains(/chadia put them back at [-0-9: ]+, to be chosen among again\./))
        #expect(
            page.contains(
                "basil's node then held 41 of amal (1)'s changes, and a1b2:42 is number 42 and 41 "
                    + "of amal (3)'s changes, and a1b2:43 is number 43."))
        #expect(!page.contains("amal (3)'s node then"))
    }

    @Test func editAgainstDeleteSaysWhatEachChoiceMeans() throws {
        let json = Self.conflict(field: "state", amal: "live", basil: "deleted")
        let page = ConflictPage(try answer(json), on: .plain).text
        #expect(page.hasPrefix("Edited by one, deleted by another: exchange 3f9a01c2\n"))
        #expect(page.contains("basil deleted it at"))
        #expect(page.contains("# keep it, with the edit by amal"))
        #expect(page.contains("# delete it, as basil did"))
        #expect(!page.contains("--edit"))
    }

    @Test func narrowTerminalShowsSidesBelowEachOther() throws {
        let json = Self.conflict(
            field: "place", amal: "Adra Central Prison", basil: "near Damascus")
        let page = ConflictPage(try answer(json), on: Screen(columns: 50, hasColour: false)).text
        #expect(page.contains("amal\n  value"))
        #expect(page.contains("basil\n  value"))
    }

    @Test func draftOffersTheShownValueAndIgnoresWhatIsBelowTheLine() throws {
        let json = Self.conflict(
            field: "place", amal: "Adra Central Prison", basil: "near Damascus")
        let draft = ResolutionDraft(try answer(json)).text
        #expect(ResolutionDraft.value(in: draft) == "near Damascus")
        #expect(draft.contains("Adra Central Prison"))
        #expect(
            ResolutionDraft.value(in: "# kept\nas typed\n" + draft.drop { $0 != "\n" }.dropFirst())
                == "# kept\nas typed")
    }

    @Test func recordPageMarksFieldsInConflict() throws {
        let record: RecordAnswer = try answer(
            """
            {"record":"3f9a01c2d4e5f60718293a4b5c6d7e8f","type":"exchange","state":"conflict",
             "fields":{"tags":["a","b"],"place":"Adra","title":"Sweida"},"conflicts":["place"],
             "changed":{"by":"amal","node":"\(Self.amal)","at":"2026-02-26T10:42:00.000Z",
             "change":"\(Self.amalsLog):42"}}
            """)
        let page = RecordPage.text(record, on: .plain)
        #expect(
            page.hasPrefix(
                "exchange 3f9a01c2  conflict\n\n  title  Sweida\n  place  Adra  in conflict\n"))
        #expect(page.contains("  tags   a, b\n"))
        #expect(page.contains("parley conflict show 3f9a01c2 place\n"))
        let past = RecordPage.text(record, isPast: true, on: .plain)
        #expect(past.contains("  place  Adra  in conflict\n"))
        #expect(past.contains("1 conflict in this record then"))
        #expect(!past.contains("parley conflict show"), "it may be settled by now")
    }

    @Test func listLengthensNamesThatBeginAlike() throws {
        let page = RecordTable.text(
            try answer(
                """
                [{"record":"3f9a01c2d4","type":"exchange","title":"One"},
                 {"record":"3f9a01c2e5","type":"person","title":"Two"}]
                """), on: .plain)
        #expect(page.contains("3f9a01c2d  exchange  One\n3f9a01c2e  person    Two\n"))
    }

    @Test func syncPagePointsAtNewConflicts() throws {
        let page = SyncPage.text(
            try answer(
                """
                [{"peer":"basil","received":12,"sent":3,"conflicts":2,"bytesIn":18213,"bytesOut":812,
                  "complete":true}]
                """), on: .plain)
        #expect(page.contains("basil        12     3          2  17.7 KiB      812 B  complete\n"))
        #expect(page.contains("2 conflicts are open in what came: see `parley conflict list`\n"))
    }

    @Test func syncPageNamesWhoWasntReachedAndWhy() throws {
        let page = SyncPage.text(
            try answer(
                """
                [{"peer":"basil","received":0,"sent":0,"conflicts":0,"bytesIn":0,"bytesOut":0,
                  "reached":false,"complete":false,"reason":"127.0.0.1:1: nobody answers"}]
                """), on: .plain)
        #expect(page.contains("0 B  not reached\n"))
        #expect(page.contains("\nbasil wasn't reached: 127.0.0.1:1: nobody answers\n"))
    }

    @Test func aSyncUnderWayNamesWhoIsWaitedFor() throws {
        let status: StatusAnswer = try answer(
            """
            {"node":"00","name":"amal","daemon":null,"casebooks":[],
             "peers":[{"node":"01","name":"basil","connected":false},
                      {"node":"02","name":"chadia","connected":false},
                      {"node":"03","name":"dima","connected":true}]}
            """)
        var all = ArrivalCounter()
        var one = ArrivalCounter(peer: "chadia")
        #expect(all.line(for: status) == nil && one.line(for: status) == nil)
        #expect(all.line(for: status)?.hasSuffix("received, waiting for basil, chadia") == true)
        #expect(one.line(for: status)?.hasSuffix("received, waiting for chadia") == true)
    }

    @Test func statusPageCountsWhatWasRefused() throws {
        let page = StatusPage.text(
            try answer(
                """
                {"node":"\(Self.amal)","name":"amal","daemon":{"pid":12},"casebooks":[],"peers":[
                 {"node":"\(Self.basil)","name":"basil","connected":true,"lastSync":null,
                  "refused":{"wrongCertificate":2}}],"refused":{"wrongCertificate":3}}
                """), on: .plain)
        #expect(page.hasPrefix("amal  node a1b2c3d4a1b2c3d4  daemon running, process 12\n"))
        #expect(page.contains("basil  77e0c3d4  yes        never\n"))
        #expect(
            page.hasSuffix(
                """
                failed connections since the daemon started
                  basil: 2 × another node answers at its address
                  others: 1 × another node answers at its address

                """))
    }

    @Test func statusPageWithoutADaemonSaysHowToStartOne() throws {
        let page = StatusPage.text(
            try answer(
                """
                {"node":"a","name":"amal","home":"/my home","daemon":null,"casebooks":[],"peers":[
                 {"node":"\(Self.basil)","name":"basil","connected":false,"lastSync":null}]}
                """), on: .plain)
        #expect(page.contains("nothing is exchanged; `parleyd --home '/my home'` starts one\n"))
        #expect(!page.contains("connected"))
    }

    @Test func statusPageSaysWhatIsWrong() throws {
        let page = StatusPage.text(
            try answer(
                #"{"node":"a","name":"amal","casebooks":[],"peers":[],"problems":["it is broken"]}"#
            ),
            on: .plain)
        #expect(page.hasSuffix("\nit is broken\n"))
    }

    /// Who makes another casebook has two where a restart was enough.
    @Test func statusPageOffersNoNewCasebookWhileOneCannotBeOpened() throws {
        let page = StatusPage.text(
            try answer(
                """
                {"node":"a","name":"amal","casebooks":[],"peers":[],"unopened":["/home/a.sqlite"],
                 "problems":["cannot open it"]}
                """
            ),
            on: .plain)
        #expect(!page.contains("casebook create"))
        #expect(page.contains("1 casebook here can't be opened now: see below\n"))
        #expect(page.hasSuffix("\ncannot open it\n"))
    }

    @Test func erasurePageSaysWhereBytesAreLeft() throws {
        let page = ErasurePage.text(
            try answer(
                #"{"record":"3f9a01c2d4","references":[],"change":"c:1","here":"underway"}"#
            ) as ErasedAnswer,
            on: .plain)
        #expect(page.contains("hidden; its last bytes go by themselves, once nobody reads them"))
        #expect(page.contains("room"))
    }

    @Test func eventsOfAnyKindFitOnALine() throws {
        let line = EventLine.text(
            try answer(#"{"event":"from the future","what":"a\nb","count":3}"#), on: .plain)
        #expect(line == "from the future  count 3  what a ⏎ b\n")
    }

    @Test(arguments: [
        (
            #""event":"record","by":"amal","type":"exchange","record":"3f9a01c2d4","title":"Sweida","state":"live""#,
            "amal changed exchange 3f9a01c2  Sweida\n"
        ),
        (
            #""event":"record","by":"amal","type":"note","record":"3f9a01c2d4","title":"","state":"deleted""#,
            "amal deleted note 3f9a01c2\n"
        ),
        (
            #""event":"record","by":"amal","type":"note","record":"3f9a01c2d4","title":"x","state":"conflict""#,
            "amal changed note 3f9a01c2  x  CONFLICT over state\n"
        ),
        (
            #""event":"record","by":"amal","type":"note","record":"3f9a01c2d4","title":"x","state":"live","conflicts":["date","place"],"created":false"#,
            "amal changed note 3f9a01c2  x  CONFLICT over date, place\n"
        ),
        (
            #""event":"record","by":"amal","type":"note","record":"3f9a01c2d4","title":"x","state":"live","conflicts":[],"created":true"#,
            "amal created note 3f9a01c2  x\n"
        ),
        (#""event":"records","count":7"#, "and 7 more records in the same go\n"),
        (#""event":"record","record":"3f9a01c2d4""#, "record  record 3f9a01c2\n"),
        (#""event":"connected","node":"77e0c3d4ff","name":"basil""#, "basil connected\n"),
        (
            #""event":"disconnected","node":"77e0c3d4ff","reason":"finished""#,
            "77e0c3d4 disconnected: the connection ended\n"
        ),
        (
            #""event":"missed","count":12"#,
            "12 events left out: they came faster than this was read\n"
        ),
    ])
    func eventsSayWhoDidWhat(members: String, line: String) throws {
        #expect(EventLine.text(try answer("{\(members)}"), on: .plain) == line)
        let timed = EventLine.text(
            try answer("{\"at\":\"2026-02-26T10:42:00.000Z\",\(members)}"), on: .plain)
        #expect(timed.hasSuffix("  " + line))
    }

    @Test func progressIsRedrawnOnlyWhenItMoved() {
        var bar = ProgressBar(label: "importing", total: 1_000)
        #expect(bar.line(at: 500)?.hasSuffix(" 50%") == true)
        #expect(bar.line(at: 501) == nil)
        #expect(bar.line(at: 1_000)?.hasSuffix(" 100%") == true)
    }

    @Test(arguments: [
        (812, "812 B"), (1_024, "1.0 KiB"), (4_300, "4.1 KiB"), (18 << 20, "18.0 MiB"),
    ])
    func bytesAreShownInUnitsPeopleRead(count: Int, text: String) {
        #expect(ByteText.of(count) == text)
    }
}
