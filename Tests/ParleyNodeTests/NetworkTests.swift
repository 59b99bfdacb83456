import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyNode
import ParleyTransport
import ParleyWire
import Testing

/// Nodes that meet over real TCP and TLS.
struct NetworkTests {
    private let homes: Homes

    init() throws {
        homes = try Homes()
    }

    private func report(_ title: String) -> Request {
        .new(
            type: "report", assignments: [.init(field: "title", operator: .set, value: title)],
            because: nil)
    }

    /// Amal's node with a casebook, and Basil's that has joined it.
    private func pair() async throws -> (amal: RunningNode, basil: RunningNode) {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        let joined = try await amal.admit(basil)
        try #require(joined.error == nil)
        return (amal, basil)
    }

    @Test func aMemberReceivesWhatIsThereAndWhatComes() async throws {
        let (amal, basil) = try await pair()
        _ = try await amal.ask(report("first"))
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        #expect(try await basil.digest == amal.digest)
        #expect(
            try await basil.json(.list(type: nil, filters: [], sort: nil, limit: 0)).items.count
                == 1)
        await amal.stop()
        await basil.stop()
    }

    /// Who gives no time is told what there is to tell of the standing connection.
    @Test func aSyncWithoutPatienceIsNoFailureToReach() async throws {
        let (amal, basil) = try await pair()
        #expect(try await amal.ask(.sync(peer: "basil", waitSeconds: 20)).exitCode == 0)
        let hasty = try await amal.ask(.sync(peer: "basil", waitSeconds: 0))
        #expect(hasty.error == nil && hasty.json != nil)
        #expect([0, 5].contains(hasty.exitCode))
        #expect(try await amal.ask(.sync(peer: "basil", waitSeconds: 20)).exitCode == 0)
        await basil.stop()
        #expect(try await amal.ask(.sync(peer: "basil", waitSeconds: 0)).exitCode == 5)
        await amal.stop()
    }

    /// However long somebody would wait: who answers at none of the addresses isn't waited for, and
    /// the account says where that was.
    @Test(.timeLimit(.minutes(2)))
    func whoAnswersNowhereIsntWaitedFor() async throws {
        let (amal, basil) = try await pair()
        #expect(try await amal.ask(.sync(peer: "basil", waitSeconds: 20)).exitCode == 0)
        await basil.stop()
        let all = try await amal.ask(.sync(peer: nil, waitSeconds: 86_400))
        #expect(all.exitCode == 5)
        let account = try JSONParser.parse(all.json ?? "null").items.first
        #expect(account?["reason"]?.content?.hasPrefix("\(basil.address): nobody answer") == true)
        let one = try await amal.ask(.sync(peer: "basil", waitSeconds: 86_400))
        #expect(one.exitCode == 5)
        #expect(one.error?.contains(basil.address) == true)
        await amal.stop()
    }

    /// While a session stands nobody thinks of dialling, and when it ends somebody does at once, not
    /// after the pause of a peer that couldn't be reached for long.
    @Test func aStandingSessionIsNoFailedDial() async throws {
        let clock = ManualClock()
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(
            homes["basil"], name: "basil", environment: NodeEnvironment(clock: clock.nodeClock))
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(basil)
        func pauses() -> Int { clock.slept.count { $0 != TidySchedule.pause } }
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        let before = pauses()
        // Whoever does pause has another look now.
        clock.advance(by: .seconds(10))
        for _ in 0..<20 { _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 20)) }
        #expect(pauses() == before)
        let earlier = clock.slept.count
        await amal.stop()
        for await pause in clock.sleeps.dropFirst(earlier)
        where pause != TidySchedule.pause {
            #expect(pause <= Reconnector.firstCeiling)
            break
        }
        await basil.stop()
    }

    /// A change reaches a third node through the one in the middle, while all are connected.
    @Test func aChangeIsRelayedThroughAThirdNode() async throws {
        let (amal, basil) = try await pair()
        let chadia = try await RunningNode.start(homes["chadia"], name: "chadia")
        _ = try await amal.admit(chadia)
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        await amal.stop()
        let known = try await basil.ask(.addPeer(node: chadia.nodeID, address: chadia.address))
        #expect(known.error == nil)
        let met = try await basil.ask(.sync(peer: "chadia", waitSeconds: 20))
        #expect(met.exitCode == 0)
        let again = try await RunningNode.start(homes["amal"])
        _ = try await again.ask(report("from amal"))
        _ = try await basil.ask(.addPeer(node: again.nodeID, address: again.address))
        let all = try await basil.json(.sync(peer: nil, waitSeconds: 20))
        #expect(all.items.map { $0["reason"]?.content } == [nil, nil])
        #expect(try await chadia.digest == again.digest)
        for node in [again, basil, chadia] { await node.stop() }
    }

    /// Two whom a third has admitted, one after the other, meet without anybody telling where: the
    /// address of the second reaches the first over the connection that stands.
    @Test(.timeLimit(.minutes(2)))
    func membersAreToldWhereNewOnesAre() async throws {
        let (amal, basil) = try await pair()
        let chadia = try await RunningNode.start(homes["chadia"], name: "chadia")
        _ = try await amal.admit(chadia)
        for (node, other) in [(basil, chadia), (chadia, basil)] {
            var known: [String?] = []
            while !known.contains(other.address) {
                let peer = try await node.json(.listPeers).items
                    .first { $0["node"]?.content == other.nodeID }
                known = peer?["addresses"]?.items.map(\.content) ?? []
            }
        }
        await amal.stop()
        #expect(try await basil.ask(.sync(peer: "chadia", waitSeconds: 60)).exitCode == 0)
        for node in [basil, chadia] { await node.stop() }
    }

    /// Several requests that are the first to need the casebooks open each file once.
    @Test func requestsAtOnceShareTheOpenedCasebooks() async throws {
        let founder = try await RunningNode.start(homes["amal"])
        _ = try await founder.ask(.createCasebook(name: "exchanges"))
        await founder.stop()
        let node = try await Node(home: homes["amal"])
        let codes = await withTaskGroup(of: Int32.self) { group in
            for number in 0..<16 {
                let request = report("report \(number)")
                group.addTask {
                    await node.perform(Envelope(casebook: nil, request: request)).exitCode
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes == [Int32](repeating: 0, count: 16))
        await node.close()
    }

    @Test func anInvitationWorksOnce() async throws {
        let (amal, basil) = try await pair()
        let code =
            try await amal.json(
                .invite(role: "editor", expiresSeconds: 60, address: nil))["code"]?.content ?? ""
        let chadia = try await RunningNode.start(homes["chadia"], name: "chadia")
        let thief = try await RunningNode.start(homes["thief"], name: "thief")
        #expect(try await chadia.ask(.join(code: code)).exitCode == 0)
        let second = try await thief.ask(.join(code: code))
        #expect(second.exitCode == 6)
        #expect(second.error?.contains("used already") == true)
        #expect(try await thief.json(.listCasebooks).items.isEmpty)
        for node in [amal, basil, chadia, thief] { await node.stop() }
    }

    /// Joins at once with one code leave one casebook, in one file, that hears of its commits.
    @Test func joinsAtOnceShareNothing() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        let code =
            try await amal.json(
                .invite(role: "editor", expiresSeconds: 60, address: nil))["code"]?.content ?? ""
        let codes = try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<8 {
                group.addTask { try await basil.ask(.join(code: code)).exitCode }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.sorted() == [0] + [Int32](repeating: 1, count: 7))
        #expect(basil.home.casebookPaths().count == 1)
        _ = try await basil.ask(report("from basil"))
        _ = try await amal.ask(.sync(peer: "basil", waitSeconds: 20))
        #expect(try await amal.digest == basil.digest)
        for node in [amal, basil] { await node.stop() }
    }

    @Test func namesThatAreTakenGetANumber() async throws {
        let amal = try await RunningNode.start(homes["one"], name: "amal")
        let other = try await RunningNode.start(homes["two"], name: "amal")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(other)
        let members = try await other.json(.showCasebook)["members"]?.items ?? []
        #expect(members.compactMap { $0["name"]?.content }.sorted() == ["amal", "amal-2"])
        for node in [amal, other] { await node.stop() }
    }

    /// Membership of one casebook shows nothing of another, not even that it exists.
    @Test func aCasebookIsSharedWithItsMembersOnly() async throws {
        let (amal, basil) = try await pair()
        _ = try await amal.ask(.createCasebook(name: "secret"))
        _ = try await amal.ask(report("hidden"), casebook: "secret")
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        let casebooks = try await basil.json(.listCasebooks).items
        #expect(casebooks.compactMap { $0["name"]?.content } == ["exchanges"])
        #expect(
            try await basil.json(.list(type: nil, filters: [], sort: nil, limit: 0)).items
                .isEmpty)
        for node in [amal, basil] { await node.stop() }
    }

    /// Two who are connected already greet each other anew when they come to share more.
    @Test func aSecondCasebookIsSharedOverAStandingConnection() async throws {
        let (amal, basil) = try await pair()
        _ = try await amal.ask(.createCasebook(name: "second"))
        _ = try await amal.ask(report("in the second"), casebook: "second")
        let joined = try await amal.admit(basil, to: "second")
        #expect(joined.error == nil)
        _ = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        let list = Request.list(type: nil, filters: [], sort: nil, limit: 0)
        #expect(try await basil.json(list, casebook: "second").items.count == 1)
        for node in [amal, basil] { await node.stop() }
    }
}
