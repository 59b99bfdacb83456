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
