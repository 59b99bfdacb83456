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

    /// Forgetting where a node is makes nobody less of a member, and what isn't known isn't forgotten.
    @Test func addressesAreForgottenOneByOneOrAllOfAMember() async throws {
        let amal = try await RunningNode.start(homes["amal"], name: "amal")
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        _ = try await amal.admit(basil)
        await basil.stop()
        for port in 1...3 {
            _ = try await amal.ask(.addPeer(node: "basil", address: "127.0.0.1:\(port)"))
        }
        func addresses() async throws -> [String] {
            try await amal.json(.listPeers).items.first?["addresses"]?.items
                .compactMap(\.content) ?? []
        }
        let one = try await amal.json(.removePeer("127.0.0.1:2")).items.first
        #expect(one?["name"]?.content == "basil")
        #expect(try await !addresses().contains("127.0.0.1:2"))
        #expect(try await addresses().contains("127.0.0.1:3"))
        #expect(try await amal.ask(.removePeer("127.0.0.1:2")).exitCode == 3)
        #expect(try await amal.ask(.removePeer("basil")).exitCode == 0)
        #expect(try await addresses().isEmpty)
        let nothing = try await amal.ask(.removePeer("basil"))
        #expect(nothing.exitCode == 1 && nothing.error?.contains("stay members") == true)
        #expect(try await amal.ask(.removePeer("nobody")).exitCode == 3)
        #expect(try await amal.json(.listPeers).items.count == 1)
        await amal.stop()
    }

    /// Names go to other people's terminals: nothing that moves a cursor or turns a line around.
    @Test(arguments: [
        "a\nb", "a\u{7f}", "a\u{85}b", "a\u{9b}31m", "a\u{202e}b", "\u{2066}a", "a\u{2028}b", "",
    ])
    func namesThatTerminalsMightObeyAreRefused(name: String) {
        #expect(!Home.isName(name))
    }

    @Test(arguments: ["amal", "أمل", "नमस्ते", "Zoë O'Neill-2", "👩‍👧"])
    func namesPeopleHaveAreTaken(name: String) {
        #expect(Home.isName(name))
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
