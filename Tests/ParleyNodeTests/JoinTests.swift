import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyNode
import ParleyTransport
import ParleyWire
import Testing

/// What a node says when an inviter doesn't admit it. The inviter is a listener that answers a join
/// as a test wants.
@Suite(.timeLimit(.minutes(2)))
struct JoinTests {
    /// What the inviter does with a join.
    enum Answer: CaseIterable {
        case notAdmitted, goingAway, overloaded, hangsUp, nothing
    }

    private let homes: Homes

    init() throws {
        homes = try Homes()
    }

    /// Only "not admitted" says something about the invitation.
    @Test(arguments: Answer.allCases)
    func aJoinSaysWhatTheInviterSaid(answer: Answer) async throws {
        let inviter = try await Inviter(answer)
        // Who never answers is waited for no longer than it takes to notice.
        let patience = answer == .nothing ? Duration.zero : .seconds(30)
        let basil = try await RunningNode.start(
            homes["basil"], name: "basil", environment: NodeEnvironment(joinPatience: patience))
        let joined = try await basil.ask(.join(code: inviter.invitation.text))
        let isRefusal = answer == .notAdmitted
        #expect(joined.exitCode == (isRefusal ? 6 : 5))
        #expect(joined.error?.contains("used already") == isRefusal)
        #expect(joined.error?.contains("isn't known") == !isRefusal)
        #expect(basil.home.casebookPaths().isEmpty)
        await basil.stop()
        await inviter.listener.close()
    }

    /// As a terminal or a letter breaks it: the text is read all the same, and who can't be reached is
    /// the inviter.
    @Test(arguments: ["\n", " ", "-", "\r\n  "])
    func anInvitationMayBeBrokenAnywhere(by separator: String) async throws {
        let inviter = try await Inviter(.notAdmitted)
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        var text = inviter.invitation.text
        for distance in stride(from: text.count - 3, to: 8, by: -13) {
            text.insert(contentsOf: separator, at: text.index(text.startIndex, offsetBy: distance))
        }
        #expect(try await basil.ask(.join(code: text)).exitCode == 6)
        #expect(try await basil.ask(.join(code: text + "7")).exitCode == 1)
        await basil.stop()
        await inviter.listener.close()
    }

    @Test func anAddressThatLeadsNowhereIsNotPutIntoAnInvitation() async throws {
        let amal = try await RunningNode.start(homes["amal"])
        _ = try await amal.ask(.createCasebook(name: "exchanges"))
        for address in ["amal.example", "amal.example:0", "amal example:7440", "0.0.0.0:7440"] {
            let answer = try await amal.ask(
                .invite(role: "editor", expiresSeconds: 60, address: address))
            #expect(answer.exitCode == 1)
            #expect(answer.error?.contains("`\(address)`") == true)
        }
        await amal.stop()
    }

    @Test func aNodeThatIsntThereIsUnreachable() async throws {
        let inviter = try await Inviter(.nothing)
        await inviter.listener.close()
        let basil = try await RunningNode.start(homes["basil"], name: "basil")
        let joined = try await basil.ask(.join(code: inviter.invitation.text))
        #expect(joined.exitCode == 5)
        #expect(joined.error?.contains("can't be reached at \(inviter.invitation.address)") == true)
        await basil.stop()
    }
}

/// A node that invites and then behaves as it likes.
private struct Inviter {
    let listener: Listener
    let invitation: Invitation

    init(_ answer: JoinTests.Answer) async throws {
        let identity = Identity.generate()
        let endpoint = Endpoint(
            certificate: try NodeCertificate(privateKey: identity.privateKey),
            refusals: RefusalCounters(), isMember: { _ in false })
        listener = try await Listener.bind(endpoint, host: "127.0.0.1", port: 0) {
            Doorkeeper($0, answer)
        }
        invitation = Invitation(
            casebook: Hashing.digest([]), inviter: identity.node,
            secret: [UInt8](repeating: 7, count: Invitation.secretByteCount),
            expires: 4_000_000_000_000, address: listener.address)
    }
}

private final class Doorkeeper: ConnectionHandler {
    private let connection: Connection
    private let answer: JoinTests.Answer

    init(_ connection: Connection, _ answer: JoinTests.Answer) {
        self.connection = connection
        self.answer = answer
    }

    func connected() {}
    func writabilityChanged(_ isWritable: Bool) {}
    func closed(_ reason: CloseReason) {}

    func received(tag: UInt8, payload: [UInt8]) {
        switch answer {
        case .notAdmitted: say(.notAdmitted)
        case .goingAway: say(.goingAway)
        case .overloaded: say(.overloaded)
        case .hangsUp: connection.close(.finished)
        case .nothing: break
        }
    }

    private func say(_ code: Close.Code) {
        connection.send(Frame.encode(.close(Close(code))))
        connection.close(.finished)
    }
}
