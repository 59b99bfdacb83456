import ParleyCRDT
import ParleyWire

/// What is said before a session: joining, on either side, and showing a ticket.
extension SessionDriver {
    func receiveAtTheDoor(_ message: Message) {
        switch message {
        case .welcome(let ticket) where join != nil:
            observer.welcomed(ticket)
            load()
        case .close(let close):
            connection.close(close.code == .revoked ? .revokedByPeer : .refusedByPeer)
        case .join(let join) where !connection.isInitiator:
            judge {
                await $0.admit(join, from: $1)
            } then: { driver, ticket in
                driver.connection.send(Frame.encode(.welcome(ticket)))
                driver.load()
            }
        case .ticket(let ticket) where !connection.isInitiator:
            receive(ticket)
        case _ where mayGreet:
            early.append(message)
            load()
        default:
            refuse()
        }
    }

    /// A ticket may come from who is known already: then it costs nothing if it is no good.
    private func receive(_ ticket: Ticket) {
        let isKnown = mayGreet
        judge {
            await $0.accepts(ticket, from: $1) || isKnown ? true : nil
        } then: { driver, _ in
            driver.mayGreet = true
            driver.isLoading = false
            let early = driver.early
            driver.early = []
            for message in early { driver.takeUp(message) }
            driver.resumeReading()
        }
    }

    /// Has the node decide whether to admit the peer. What comes before the answer waits for it:
    /// there must be one session, not two.
    private func judge<Answer: Sendable>(
        _ question: @escaping @Sendable (any Replica, NodeID) async -> Answer?,
        then admitted: @escaping (SessionDriver, Answer) -> Void
    ) {
        let (replica, peer) = (replica, connection.peer)
        isLoading = true
        connection.setReading(false)
        connection.run(
            { await question(replica, peer) },
            then: { [self] answer in
                guard !isClosed else { return }
                guard let answer else { return refuse() }
                // May bring the next frame at once, which waits as well.
                connection.admit()
                admitted(self, answer)
            })
    }

    private func refuse() {
        end(.unknownPeer, Close(.notAdmitted, text: "not admitted"))
    }
}
