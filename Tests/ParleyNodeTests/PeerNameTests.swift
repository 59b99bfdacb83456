import ParleyControl
import ParleyNode
import Testing

/// Whom a name means.
@Suite(.timeLimit(.minutes(2)))
struct PeerNameTests {
    private let homes: Homes

    init() throws {
        homes = try Homes()
    }

    /// Two casebooks may call different nodes the same: nobody is picked, both are named, and their
    /// digits tell them apart.
    @Test func aNameOfTwoNodesIsRefused() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        let other = try await RunningNode.start(homes["other"], name: "basil")
        for (casebook, guest) in [("first", basil), ("second", other)] {
            _ = try await amal.ask(.createCasebook(name: casebook))
            #expect(try await amal.admit(guest, to: casebook).error == nil)
        }
        let vague = try await amal.ask(.sync(peer: "basil", waitSeconds: 20))
        #expect(vague.exitCode == 1)
        for node in [basil, other] {
            let digits = String(node.nodeID.prefix(16))
            #expect(vague.error?.contains("basil (\(digits))") == true)
            #expect(try await amal.ask(.sync(peer: digits, waitSeconds: 20)).exitCode == 0)
        }
        let named = try await amal.ask(
            .addPeer(node: "basil", address: "127.0.0.1:1"), casebook: "first")
        #expect(named.error == nil, "a casebook has one of that name")
        for node in [amal, basil, other] { await node.stop() }
    }

    /// A casebook from elsewhere may be called as one that is here: neither is written to by chance.
    @Test func aNameOfTwoCasebooksIsRefused() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        for node in [amal, basil] { _ = try await node.ask(.createCasebook(name: "exchanges")) }
        #expect(try await amal.admit(basil, to: "exchanges").error == nil)
        let ids = try await basil.json(.listCasebooks).items.map { $0["casebook"].content ?? "" }
        let vague = try await basil.ask(.new("note", "title=x"), casebook: "exchanges")
        #expect(vague.exitCode == 1)
        for id in ids {
            let digits = String(id.prefix(16))
            #expect(vague.error?.contains(digits) == true)
            #expect(try await basil.ask(.new("note", "title=x"), casebook: digits).exitCode == 0)
        }
        for node in [amal, basil] { await node.stop() }
    }

    /// A name of one's own for somebody must not be what another is called.
    @Test func aNameOfOnesOwnIsNobodyElses() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        let chadia = try await RunningNode.start(homes["chadia"], name: "chadia")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        for guest in [basil, chadia] { _ = try await amal.admit(guest) }
        #expect(try await amal.ask(.renamePeer(peer: "basil", name: "attic")).exitCode == 0)
        for name in ["attic", "basil"] {
            #expect(try await amal.ask(.renamePeer(peer: "chadia", name: name)).exitCode == 1)
        }
        #expect(try await amal.ask(.renamePeer(peer: "attic", name: "basil")).exitCode == 0)
        for node in [amal, basil, chadia] { await node.stop() }
    }
}
