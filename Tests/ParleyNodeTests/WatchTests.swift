import ParleyControl
import ParleyNode
import Testing

/// What `watch` tells, and what it costs.
struct WatchTests {
    private let homes: Homes

    init() throws {
        homes = try Homes()
    }

    private func node() async throws -> Node {
        let home = homes["amal"]
        _ = try home.create(name: "amal")
        let node = try await Node(home: home)
        let made = await node.perform(
            Envelope(casebook: nil, request: .createCasebook(name: "exchanges")))
        try #require(made.error == nil)
        return node
    }

    private func lines(of watch: EventLines) async throws -> [JSONValue] {
        var lines: [JSONValue] = []
        for await response in watch { lines.append(try JSONParser.parse(response.json ?? "")) }
        return lines
    }

    @Test func anEventSaysWhenWhoAndWhat() async throws {
        let node = try await node()
        let watch = try await node.watch()
        _ = await node.perform(
            Envelope(casebook: nil, request: .new("exchange", "title=Sweida")))
        var events = watch.makeAsyncIterator()
        let json = try #require(await events.next()?.json)
        let event = try JSONParser.parse(json)
        #expect(
            event.names == [
                "event", "at", "casebook", "record", "local", "type", "title", "state",
                "conflicts", "created", "by", "node", "change",
            ])
        #expect(event["event"].content == "record")
        #expect(event["type"].content == "exchange")
        #expect(event["title"].content == "Sweida")
        #expect(event["by"].content == "amal")
        #expect(Timestamp(text: event["at"].content ?? "") != nil)
        await node.close()
    }

    @Test func aWatcherOfOneCasebookHearsOfNoOther() async throws {
        let node = try await node()
        let made = await node.perform(
            Envelope(casebook: nil, request: .createCasebook(name: "second")))
        let second = try JSONParser.parse(made.json ?? "null")["casebook"]?.content
        let watch = try await node.watch(casebook: "second")
        for casebook in ["exchanges", "second"] {
            _ = await node.perform(
                Envelope(casebook: casebook, request: .new("note", "title=\(casebook)")))
        }
        await node.close()
        #expect(try await lines(of: watch).map { $0["casebook"].content } == [second])
    }

    @Test func aCasebookThatIsntThereCannotBeWatched() async throws {
        let node = try await node()
        await #expect(throws: NodeError.self) { try await node.watch(casebook: "none") }
        await node.close()
    }

    @Test func moreRecordsThanAreNamedAreCounted() async throws {
        let node = try await node()
        let watch = try await node.watch()
        let line = #"{"type":"note","fields":{"title":"x"}}"#
        _ = await node.perform(
            Envelope(
                casebook: nil,
                request: .importLines(firstLine: 1, lines: Array(repeating: line, count: 25))))
        await node.close()
        let lines = try await lines(of: watch)
        #expect(lines.count == 21)
        #expect(lines.last?["event"].content == "records")
        #expect(lines.last?["count"]?.number == "5")
    }

    /// A watcher that reads nothing costs its backlog of 1,000 events, whatever happens, and learns
    /// how many it missed.
    @Test func aWatcherThatDoesNotReadIsBounded() async throws {
        let node = try await node()
        let watch = try await node.watch()
        let line = #"{"type":"note","fields":{"title":"x"}}"#
        for _ in 0..<60 {
            _ = await node.perform(
                Envelope(
                    casebook: nil,
                    request: .importLines(
                        firstLine: 1, lines: Array(repeating: line, count: 20))))
        }
        await node.close()
        let lines = try await lines(of: watch)
        #expect(lines.count == 1_001)
        #expect(lines.first?["event"].content == "missed")
        #expect(lines.first?["count"]?.number == "200")
    }
}
