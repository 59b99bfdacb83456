import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyTransport
import ParleyWire
import Testing

/// Who is let in: those who were revoked aren't, those with a ticket are.
@Suite(.timeLimit(.minutes(3)))
struct DoorTests {
    private let homes: Homes

    init() throws {
        homes = try Homes()
    }

    private func start(_ name: String, log: NotedLog = NotedLog()) async throws -> RunningNode {
        try await RunningNode.start(homes[name], name: name, log: log)
    }

    private func titles(on node: RunningNode) async throws -> [String?] {
        try await node.json(.list(type: nil, filters: [], sort: nil, limit: 0)).items
            .map { $0["title"]?.content }
    }

    // MARK: Revoked

    /// A revoked node's session ends, and it gets nothing of what comes later, from nobody who knows.
    @Test func aRevokedNodeIsShutOutAtOnce() async throws {
        let log = NotedLog()
        let (amal, basil) = (try await start("amal"), try await start("basil", log: log))
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        #expect(try await amal.admit(basil).error == nil)
        _ = try await amal.ask(.new("note", "title=before"))
        #expect(try await amal.ask(.sync(peer: "basil", waitSeconds: 20)).exitCode == 0)

        let peers = try await amal.json(.revokePeer(peer: "basil", until: []))
        #expect(peers.items.first?["revoked"]?.text == "true")
        await log.line(containing: "reason=revokedByPeer")
        _ = try await amal.ask(.new("note", "title=after"))
        let refused = try await basil.ask(.sync(peer: "amal", waitSeconds: 20))
        #expect(refused.exitCode == 5)
        #expect(try await titles(on: basil) == ["before"])
        let reached = try await amal.ask(.sync(peer: "basil", waitSeconds: 20))
        #expect(reached.exitCode != 0)
        #expect(try await amal.refusals("revoked") != nil)
        for node in [amal, basil] { await node.stop() }
    }

    /// One who was a coordinator reads on in what it holds, and is told that nothing more counts once
    /// it hears of its revocation.
    @Test func rolesAreChangedAndRevokedNodesGetNone() async throws {
        let (amal, basil) = (try await start("amal"), try await start("basil"))
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        #expect(try await amal.admit(basil).error == nil)
        for (role, exit) in [("reader", 0), ("reader", 1), ("coordinator", 0), ("king", 1)] {
            let answer = try await amal.ask(.setRole(peer: "basil", role: role))
            #expect(answer.exitCode == Int32(exit), "\(role)")
        }
        #expect(try await basil.ask(.sync(peer: "amal", waitSeconds: 20)).exitCode == 0)
        #expect(try await basil.json(.showCasebook)["role"]?.content == "coordinator")
        #expect(try await amal.json(.showCasebook)["coordinators"]?.number == "2")

        _ = try await amal.ask(.revokePeer(peer: "basil", until: []))
        let again = try await amal.ask(.setRole(peer: "basil", role: "editor"))
        #expect(again.exitCode == 1 && again.error?.contains("parley init") == true)
        let unknown = try await amal.ask(.revokePeer(peer: "basil", until: ["ffff:1"]))
        #expect(unknown.exitCode == 3)
        for node in [amal, basil] { await node.stop() }
    }

    /// Nothing of a log counts whose end lies before its beginning, until a later end lets work in
    /// again. Revoking once more without an end moves nothing.
    @Test func aLogCanBeCutBeforeItsBeginning() async throws {
        let (amal, basil) = (try await start("amal"), try await start("basil"))
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        #expect(try await amal.admit(basil).error == nil)
        for title in ["one", "two"] { _ = try await basil.ask(.new("note", "title=\(title)")) }
        #expect(try await basil.ask(.sync(peer: "amal", waitSeconds: 20)).exitCode == 0)
        #expect(try await titles(on: amal).count == 2)
        let log = try #require(
            try await amal.json(.log(record: nil, limit: 0)).items.compactMap {
                $0["change"].content
            }.first { $0.hasPrefix(basil.nodeID.prefix(8)) }?.split(separator: ":").first)
        func revoke(_ until: String...) async throws -> Response {
            try await amal.ask(.revokePeer(peer: "basil", until: until))
        }
        #expect(try await revoke("\(log):0").exitCode == 0)
        #expect(try await titles(on: amal) == [])
        let again = try await revoke()
        #expect(again.exitCode == 1 && again.error?.contains("--until") == true)
        #expect(try await titles(on: amal) == [])
        #expect(try await revoke("\(log):1").exitCode == 0)
        #expect(try await titles(on: amal) == ["one"])
        #expect(try await revoke("ffff:0").exitCode == 3)
        for node in [amal, basil] { await node.stop() }
    }

    @Test func onlyCoordinatorsDecideWhoBelongs() async throws {
        let (amal, basil) = (try await start("amal"), try await start("basil"))
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        #expect(try await amal.admit(basil).error == nil)
        for request in [
            Request.revokePeer(peer: "amal", until: []), .setRole(peer: "amal", role: "reader"),
            .invite(role: "editor", expiresSeconds: 60, address: nil),
        ] {
            let refused = try await basil.ask(request)
            #expect(refused.exitCode == 6)
            #expect(refused.error?.contains("Ask amal") == true)
        }
        for node in [amal, basil] { await node.stop() }
    }

    @Test func anInvitationThatWasWithdrawnAdmitsNobody() async throws {
        let (amal, basil) = (try await start("amal"), try await start("basil"))
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        let code = try await amal.json(.invite(role: "editor", expiresSeconds: 60, address: nil))
        #expect(try await amal.json(.withdrawInvitations)["withdrawn"]?.number == "1")
        #expect(try await amal.json(.withdrawInvitations)["withdrawn"]?.number == "0")
        let joined = try await basil.ask(.join(code: code["code"]?.content ?? ""))
        #expect(joined.exitCode == 6)
        for node in [amal, basil] { await node.stop() }
    }

    // MARK: Tickets

    /// A new member meets one who hasn't met its inviter since, and both end up with all.
    @Test func aTicketSpeaksForANewMember() async throws {
        let (amal, basil) = (try await start("amal"), try await start("basil"))
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        #expect(try await amal.admit(basil).error == nil)
        #expect(try await amal.ask(.sync(peer: "basil", waitSeconds: 20)).exitCode == 0)
        await basil.stop()
        let carla = try await start("carla")
        #expect(try await amal.admit(carla).error == nil)
        #expect(try await carla.ask(.sync(peer: "amal", waitSeconds: 20)).exitCode == 0)
        await amal.stop()

        let returned = try await start("basil")
        _ = try await returned.ask(.new("note", "title=by basil"))
        _ = try await carla.ask(.new("note", "title=by carla"))
        _ = try await carla.ask(.addPeer(node: "basil", address: returned.address))
        #expect(try await carla.ask(.sync(peer: "basil", waitSeconds: 60)).exitCode == 0)
        #expect(try await carla.digest == returned.digest)
        #expect(try await titles(on: returned).count == 2)
        #expect(try await returned.json(.showCasebook)["members"]?.items.count == 3)
        for node in [carla, returned] { await node.stop() }
    }

    enum Forgery: CaseIterable {
        case anotherNode, notSigned, noCoordinator, anotherCasebook
    }

    /// A ticket opens nothing to whom it wasn't made for, or where its signature or its author isn't
    /// what it must be.
    @Test(arguments: Forgery.allCases)
    func aTicketThatProvesNothingOpensNothing(forgery: Forgery) async throws {
        let amal = try await start("amal")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        let id = try await amal.json(.showCasebook)["casebook"]?.content ?? ""
        let casebook = try #require(Digest(hexadecimal: id))
        let coordinator = try homes["amal"].identity()
        let (mallory, other) = (Identity.generate(), Identity.generate())
        let admission = Dot(
            origin: Origin(node: coordinator.node, epoch: 1), sequence: 2, hash: HashPrefix(0))
        let author = forgery == .noCoordinator ? other : coordinator
        let honest = Ticket.signed(
            casebook: forgery == .anotherCasebook ? .zero : casebook,
            node: forgery == .anotherNode ? other.node : mallory.node, role: .editor,
            admission: admission, by: author)
        let ticket = Ticket(
            casebook: honest.casebook, node: honest.node, role: honest.role, admission: admission,
            coordinator: honest.coordinator,
            signature: forgery == .notSigned
                ? [UInt8](repeating: 1, count: Ticket.signatureBytes) : honest.signature)
        let heard = try await Stranger.say(.ticket(ticket), to: amal, as: mallory)
        #expect(heard.tags == [Message.Tag.close.rawValue])
        #expect(try await amal.refusals("unknownPeer") == "1")
        await amal.stop()
    }

    /// Whom a ticket let in is out again with the coordinator who signed it, whose key may be in
    /// other hands.
    @Test(.timeLimit(.minutes(1)))
    func aGuestGoesWithTheCoordinatorWhoSpokeForIt() async throws {
        let log = NotedLog()
        let (amal, basil) = (try await start("amal"), try await start("basil", log: log))
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        #expect(try await amal.admit(basil, role: "coordinator").error == nil)
        #expect(try await basil.ask(.sync(peer: "amal", waitSeconds: 20)).exitCode == 0)
        await amal.stop()
        let id = try await basil.json(.showCasebook)["casebook"]?.content ?? ""
        let casebook = try #require(Digest(hexadecimal: id))
        let (thief, guest) = (try homes["amal"].identity(), Identity.generate())
        let ticket = Message.ticket(
            Ticket.signed(
                casebook: casebook, node: guest.node, role: .editor,
                admission: Dot(
                    origin: Origin(node: thief.node, epoch: 1), sequence: 9, hash: HashPrefix(0)),
                by: thief))
        let hello = Message.hello(
            Hello(run: 9, casebooks: [Hello.Casebook(id: casebook, clockDigest: HashPrefix(5))]))
        async let visit = Stranger.say(ticket, hello, to: basil, as: guest)
        await log.line(containing: "connected peer=\(guest.node.fingerprint)")
        _ = try await basil.json(.revokePeer(peer: "amal", until: []))
        let heard = try await visit
        #expect(heard.tags.first == Message.Tag.hello.rawValue, "\(heard)")
        for messages in [[hello], [ticket, hello]] {
            let heard = try await Stranger.say(messages, to: basil, as: guest)
            #expect(heard.tags == [Message.Tag.close.rawValue])
        }
        await basil.stop()
    }
}
