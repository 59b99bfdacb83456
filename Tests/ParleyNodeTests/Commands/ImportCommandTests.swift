import ParleyControl
import ParleyNode
import Testing

/// Lines go in one by one, or not at all.
@Suite struct ImportCommandTests {
    @Test func goodLinesGoInAndWrongOnesAreNamed() async throws {
        let desk = try await Desk.founder()
        let result = await desk.perform(
            .importLines(
                firstLine: 11,
                lines: [
                    #"{"type":"exchange","fields":{"title":"a","released_by_a":61,"parties":["A","B"]}}"#,
                    #"{"type":"exchange","fields":{"title":"Secret","date":"2026-02-30"}}"#,
                    "",
                    #"{"type":"exchange","fields":{"title":"Secret"}"#,
                    #"{"type":"note","fields":{"title":"b"}}"#,
                ]))
        #expect(result.exitCode == 1)
        #expect(result.json?["created"]?.text == "2")
        #expect(result.json?["changed"]?.text == "0")
        let refused = result.json?["refused"]?.items ?? []
        #expect(refused.map { $0["line"]?.text } == ["12", "14"])
        #expect(refused.allSatisfy { $0["error"].content?.contains("Secret") == false })
        let listed = await desk.perform(.list(type: "exchange", filters: [], sort: nil, limit: 0))
        let fields = listed.json?.items.first?["fields"]?.text
        #expect(fields == #"{"title":"a","parties":["A","B"],"released_by_a":"61"}"#)
        #expect(await desk.perform(.log(record: nil, limit: 0)).json?.items.count == 3)
    }

    @Test(arguments: [
        (#"{"type":"note","fields":{}}"#, "at least one field"),
        (#"{"type":"note","fields":{"tags":[]}}"#, "at least one field"), ("[]", "one object"),
        (#"{"type":"note"}"#, "one object"),
        (#"{"type":"note","fields":{},"more":1}"#, "one object"),
        (#"{"type":"note","fields":{},"type":"note"}"#, "one object"),
        (#"{"type":"nope","fields":{}}"#, "no record type"),
        (#"{"type":"note","fields":{"titel":"x"}}"#, "`title`"),
        (#"{"type":"note","fields":{"title":"x","title":"y"}}"#, "given twice"),
        (#"{"type":"note","fields":{"title":["x"]}}"#, "is a string or a number"),
        (#"{"type":"note","fields":{"title":null}}"#, "is a string or a number"),
        (#"{"type":"note","fields":{"title":{"a":"b"}}}"#, "is a string or a number"),
        (#"{"type":"note","fields":{"tags":"x"}}"#, "as an array"),
        (#"{"type":"note","fields":{"tags":["x","x"]}}"#, "given twice"),
        (#"{"type":"note","fields":{"about":["zz"]}}"#, "a record's ID"), ("nonsense", "no JSON"),
    ])
    func eachDefectHasItsMessage(line: String, hint: String) async throws {
        let desk = try await Desk.founder()
        let result = await desk.perform(.importLines(firstLine: 1, lines: [line]))
        #expect(result.exitCode == 1)
        #expect(result.json?["created"]?.text == "0")
        let error = result.json?["refused"]?.items.first?["error"].content
        #expect(error?.contains(hint) == true, "\(error ?? "none")")
    }

    @Test func aLineLargerThanAChangeIsRefused() async throws {
        let desk = try await Desk.founder()
        let text = String(repeating: "x", count: 60 * 1024)
        let line =
            #"{"type":"exchange","fields":{"narrative":"\#(text)","note":"\#(text)","conditions":"\#(text)"}}"#
        let result = await desk.perform(.importLines(firstLine: 1, lines: [line, line]))
        #expect(result.json?["refused"]?.items.count == 2)
    }

    @Test(arguments: [4095, 4096, 4097])
    func aSetHasAtMost4096Elements(count: Int) async throws {
        let desk = try await Desk.founder()
        let tags = (0..<count).map { "\"\($0)\"" }.joined(separator: ",")
        let line = #"{"type":"note","fields":{"tags":[\#(tags)]}}"#
        let result = await desk.perform(.importLines(firstLine: 1, lines: [line]))
        #expect(result.exitCode == (count > 4096 ? 1 : 0))
    }
}
