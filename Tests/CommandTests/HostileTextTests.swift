import FoundationEssentials
import ParleyTestSupport
import Testing
import parley

/// Whatever others call themselves and their casebooks, a page shows it and obeys none of it.
@Suite struct HostileTextTests {
    /// Clears the screen, sets a line of its own below, and turns round what follows.
    private static let hostile = "eve\u{1b}[2J\nparley delete 3f9a --yes #\u{9b}1m\u{202e}"
    private static let shown = "eve<1b>[2J ⏎ parley delete 3f9a --yes #<9b>1m<202e>"
    private static let node = String(repeating: "a1b2c3d4", count: 8)
    private static let record = "3f9a01c2d4e5f60718293a4b5c6d7e8f"

    /// An answer in which `NAME` stands for the hostile text.
    private func answer<Answer: Decodable>(_ json: String) throws -> Answer {
        let escaped = String(decoding: try JSONEncoder().encode(Self.hostile), as: UTF8.self)
        let text = json.replacing("NAME", with: escaped).replacing("NODE", with: Self.node)
            .replacing("RECORD", with: Self.record)
        return try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
    }

    private func expectHarmless(_ page: String, at location: SourceLocation = #_sourceLocation) {
        #expect(page.contains(Self.shown), sourceLocation: location)
        let obeyed = page.unicodeScalars.filter {
            $0 != "\n" && ($0.value < 0x20 || (0x7f...0x9f).contains($0.value) || $0 == "\u{202e}")
        }
        #expect(obeyed.isEmpty, sourceLocation: location)
        for line in page.split(separator: "\n") {
            #expect(!line.hasPrefix("parley delete"), sourceLocation: location)
        }
    }

    private static let sides = """
        [{"value":"a","by":NAME,"node":"NODE","at":"2026-02-26T10:58:03.120Z",
          "change":"77e0c3d477e0c3d4.1100000000000001:7","seen":{},"reason":NAME},
         {"value":"b","by":NAME,"node":"NODE","at":"2026-02-26T10:42:00.000Z",
          "change":"a1b2c3d4a1b2c3d4.7d00000000000001:42","seen":{}}]
        """

    @Test(arguments: [100, 30]) func conflicts(columns: Int) throws {
        let conflict: ConflictAnswer = try answer(
            """
            {"record":"RECORD","type":"exchange","title":NAME,"field":"place",
             "values":\(Self.sides),"base":[NAME]}
            """)
        let screen = Screen(columns: nil, hasColour: false)
        expectHarmless(ConflictPage(conflict, on: screen).text)
        expectHarmless(ConflictTable.text([conflict], on: screen))
        let narrow = ConflictPage(conflict, on: Screen(columns: columns, hasColour: false)).text
        #expect(!narrow.contains("\u{1b}"))
        #expect(narrow.contains("# keep what \(Self.shown) (1) wrote\n"))
    }

    /// The draft's first lines are the value as it came, for its owner to correct.
    @Test func draftsOfAResolution() throws {
        let draft = ResolutionDraft(
            try answer(
                """
                {"record":"RECORD","type":"exchange","title":NAME,"field":"place",
                 "values":\(Self.sides),"base":[]}
                """)
        ).text
        for line in draft.split(separator: "\n").dropFirst() { #expect(line.hasPrefix("#")) }
        #expect(!draft.contains("\u{1b}"))
    }

    /// Values of one change can only be told apart by typing them.
    @Test func valuesThatCannotBeTypedAreNotOfferedToBePasted() throws {
        let change = "a1b2c3d4a1b2c3d4.7d00000000000001:42"
        let side = #""by":"amal","node":"NODE","at":"2026-02-26T10:42:00.000Z","change":"#
        let page = ConflictPage(
            try answer(
                """
                {"record":"RECORD","type":"exchange","title":"x","field":"place","values":[
                 {"value":NAME,\(side)"\(change)"},{"value":"it's b",\(side)"\(change)"}]}
                """), on: .plain
        ).text
        #expect(page.contains("# what amal (1) wrote can't be typed; take it over in $EDITOR\n"))
        #expect(page.contains(#"--value 'it'\''s b'"#))
        #expect(!page.contains("\u{1b}"))
    }

    @Test func records() throws {
        expectHarmless(
            RecordPage.text(
                try answer(
                    """
                    {"record":"RECORD","type":"exchange","state":"live","fields":{"title":"x"},
                     "conflicts":[],"changed":{"by":NAME,"node":"NODE",
                     "at":"2026-02-26T10:42:00.000Z","change":"a:1"}}
                    """), on: .plain))
        expectHarmless(
            RecordTable.text(
                try answer(
                    #"[{"record":"RECORD","type":"exchange","title":NAME,"match":NAME}]"#),
                on: .plain))
        expectHarmless(
            LogPage.text(
                try answer(
                    """
                    [{"change":"a:1","by":NAME,"node":"NODE","at":"2026-02-26T10:42:00.000Z",
                      "because":NAME,"operations":[{"op":"admit","value":NAME}]}]
                    """), on: .plain))
    }

    @Test func membersAndCasebooks() throws {
        let casebook =
            #"{"casebook":"RECORD","name":NAME,"role":"editor","members":[{"node":"NODE","name":NAME,"role":"editor"}]}"#
        expectHarmless(PeerPage.text(try answer(casebook) as CasebookAnswer, on: .plain))
        expectHarmless(
            PeerPage.text(try answer("[\(casebook)]") as [CasebookAnswer], on: .plain))
        expectHarmless(
            PeerPage.text(
                try answer(
                    #"[{"node":"NODE","name":NAME,"role":"editor","addresses":[NAME]}]"#)
                    as [PeerAnswer], on: .plain))
        expectHarmless(JoinPage.text(try answer(casebook), on: .plain))
    }

    @Test func theNodeAndItsPeers() throws {
        expectHarmless(
            StatusPage.text(
                try answer(
                    """
                    {"node":"NODE","name":NAME,"daemon":{"listening":NAME},"casebooks":[
                      {"casebook":"RECORD","name":NAME,"records":1,"conflicts":0,"clock":{},
                       "digest":"00"}],
                     "peers":[{"node":"NODE","name":NAME,"connected":true}]}
                    """), on: .plain))
        expectHarmless(
            SyncPage.text(
                try answer(
                    """
                    [{"peer":NAME,"received":0,"sent":0,"conflicts":0,"bytesIn":0,"bytesOut":0,
                      "complete":false,"reason":NAME}]
                    """), on: .plain))
        expectHarmless(
            EventLine.text(
                try answer(#"{"event":NAME,"at":NAME,"title":NAME}"#), on: .plain))
    }

    @Test func jsonOnATerminal() {
        #expect(PrintableText.json("{\"a\":\"\u{9b}1m\u{202e}é\"}") == #"{"a":"\u009b1m\u202eé"}"#)
    }

    /// With a real record, through the real programs: errors too, and JSON only on a terminal.
    @Test func errorsAndAnswersOfARealNode() throws {
        let workplace = try Workplace()
        let node = TestNode.founder("amal", in: workplace)
        node.parley("new", "note", "title=a\u{202e}b")
        let error = node.parley("list", "--casebook", "a\u{202e}b", exits: 3).errors
        #expect(error.contains("a<202e>b"))
        #expect(!error.contains("\u{202e}"))
        #expect(node.parley("list", "--json").output.contains("a\u{202e}b"))
        let onTerminal = node.onTerminal("list", "--json")
        #expect(onTerminal.exitCode == 0)
        #expect(onTerminal.shown.contains(#"a\u202eb"#))
    }
}
