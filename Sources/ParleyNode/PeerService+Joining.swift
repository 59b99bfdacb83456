import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTransport
import ParleyWire

extension PeerService {
    /// Goes to the inviter with the secret and waits until the founding change has come.
    ///
    /// - Throws: `unreachable` where the inviter doesn't answer or the casebook doesn't come,
    ///   `notPermitted` where the inviter refuses or another node is at its address.
    func join(
        _ invitation: Invitation, as name: String, store: CasebookStore, patience: Duration
    ) async throws(NodeError) {
        let answer = OneShot(JoinAnswer.silence)
        let join = Join(casebook: invitation.casebook, secret: invitation.secret, name: name)
        let makeSession = makeHandler(
            joining: join, welcomed: { answer.finish(.welcome($0)) },
            ended: { answer.finish(.ended($0)) })
        let connection: Connection
        do {
            connection = try await connect(invitation.inviter, at: invitation.address) {
                JoinListener(makeSession($0)) { answer.finish(.closed($0)) }
            }
        } catch {
            throw NodeError(joining: invitation, error)
        }
        let answered = await answer.value(within: patience)
        guard case .welcome(let ticket) = answered else {
            connection.close(.finished)
            throw NodeError(joining: invitation, answered)
        }
        guard await shelf.admission(to: store).value(within: patience) else {
            throw NodeError(
                .unreachable,
                "cannot join: admitted, but the casebook didn't come. Ask for a new invitation, because this one is used up, and join again."
            )
        }
        let now = shelf.environment.wallMilliseconds()
        try? await store.write {
            try $0.setTicket(ticket)
            try $0.noteAddress(
                invitation.address, of: invitation.inviter, seenMilliseconds: now)
        }
    }
}

/// What the inviter answered to a join.
private enum JoinAnswer: Sendable {
    case welcome(Ticket)
    /// It hung up and said why.
    case closed(Close.Code)
    /// The connection ended without a word.
    case ended(CloseReason)
    /// Nothing, in the time it had.
    case silence
}

/// Hears with which code an inviter hangs up, and leaves everything to the session's driver.
///
/// To a session it makes no difference; to who joins, whether the invitation is no good or the other
/// node was just stopping makes all of it.
private final class JoinListener: ConnectionHandler {
    private let session: any ConnectionHandler
    private let closing: @Sendable (Close.Code) -> Void

    init(_ session: any ConnectionHandler, closing: @escaping @Sendable (Close.Code) -> Void) {
        self.session = session
        self.closing = closing
    }

    func connected() { session.connected() }

    func received(tag: UInt8, payload: [UInt8]) {
        if case .close(let close)? = try? Message(tag: tag, payload: payload) {
            closing(close.code)
        }
        session.received(tag: tag, payload: payload)
    }

    func writabilityChanged(_ isWritable: Bool) { session.writabilityChanged(isWritable) }
    func closed(_ reason: CloseReason) { session.closed(reason) }
}

extension NodeError {
    /// Why nobody could be asked.
    fileprivate init(joining invitation: Invitation, _ error: DialError) {
        if error == .closed(.wrongCertificate) {
            self.init(
                .notPermitted,
                "cannot join: another node than the inviter answers at \(invitation.address). Ask the inviter for its address."
            )
            return
        }
        self.init(
            .unreachable,
            "cannot join: the inviter can't be reached at \(invitation.address): \(error.reason.words). See that the inviter's parleyd runs and can be reached, then join again."
        )
    }

    /// Why the inviter's answer doesn't admit, as far as is known.
    fileprivate init(joining invitation: Invitation, _ answer: JoinAnswer) {
        let cause: String
        switch answer {
        case .closed(.notAdmitted):
            self.init(
                .notPermitted,
                "cannot join: the inviter refused. The invitation was used already, has expired or was made by another node. Ask for a new one."
            )
            return
        case .closed(.overloaded):
            cause = "the inviter's node can't take anybody in now"
        case .closed, .ended, .welcome:
            cause = "the inviter's node at \(invitation.address) hung up before it had answered"
        case .silence:
            cause = "the inviter's node at \(invitation.address) didn't answer in time"
        }
        self.init(
            .unreachable,
            "cannot join: \(cause), so whether the invitation is used up isn't known. Join with it again in a while; should the inviter refuse it then, ask for a new one."
        )
    }
}
