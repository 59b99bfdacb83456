import FoundationEssentials
import NIOConcurrencyHelpers
import ParleyControl
import ParleyTestSupport
import Testing
import parley

/// What is seen while a sync takes its time.
@Suite struct SyncProgressTests {
    private let workplace: Workplace

    init() throws {
        workplace = try Workplace()
    }

    private static let own = String(repeating: "a1b2c3d4", count: 8)

    /// A daemon that receives five changes of another node between two questions; `sync` ends after
    /// the second.
    private func script(asked: Counter) -> ScriptedDaemon.Script {
        let (enough, note) = AsyncStream.makeStream(of: Void.self)
        return { envelope, reply, _ in
            if case .sync = envelope.request {
                if asked.isExpected { for await _ in enough {} }
                try? await reply.send(
                    Response(
                        json: #"""
                            [{"peer":"basil","received":5,"sent":0,"conflicts":0,"bytesIn":1,
                              "bytesOut":1,"complete":true}]
                            """#))
                return
            }
            let count = asked.next()
            try? await reply.send(
                Response(
                    json: """
                        {"node":"\(Self.own)","name":"amal","daemon":null,"peers":[],"casebooks":[
                         {"casebook":"00","name":"x","records":0,"conflicts":0,"digest":"00",
                          "clock":{"\(Self.own.prefix(16)).00":\(count * 100),
                                   "77e0c3d477e0c3d4.00":\(count * 5)}}]}
                        """))
            if count == 3 { note.finish() }
        }
    }

    /// Counts the questions about the node's clocks.
    private final class Counter: Sendable {
        private let count = NIOLockedValueBox(0)
        let isExpected: Bool

        init(isExpected: Bool) {
            self.isExpected = isExpected
        }

        var value: Int { count.withLockedValue { $0 } }

        func next() -> Int {
            count.withLockedValue { count in
                count += 1
                return count
            }
        }
    }

    @Test func aTerminalShowsWhatArrives() async throws {
        let home = "\(workplace.path)/scripted"
        let asked = Counter(isExpected: true)
        let (exitCode, shown) = try await ScriptedDaemon.serve(at: home, script(asked: asked)) {
            TestNode.onTerminal(["sync"], home: home)
        }
        #expect(exitCode == 0)
        #expect(shown.contains("\r\u{1b}[Ksyncing … 5 changes received"))
        let table = try #require(shown.firstRange(of: "basil"))
        #expect(!shown[table.lowerBound...].contains("syncing"))
    }

    @Test func nothingElseIsDisturbed() async throws {
        let home = "\(workplace.path)/scripted"
        let asked = Counter(isExpected: false)
        let result = try await ScriptedDaemon.parley("sync", at: home, script(asked: asked))
        #expect(result.errors == "")
        #expect(asked.value == 0)
    }
}
