import NIOConcurrencyHelpers
import NIOCore
import ParleyTransport
import ParleyWire

/// A peer that answers a hello with its own, shares no casebook, and answers pings as a test says.
final class Greeter: Sendable {
    /// A ping that waits for its answer.
    struct Ping: Sendable {
        fileprivate let connection: Connection
        fileprivate let payload: [UInt8]

        func answer() {
            let frame = Frame(tag: Message.Tag.pong.rawValue, payload: payload).encoded
            connection.eventLoop.execute { connection.send(frame) }
        }
    }

    let probe: Probe
    let pings: AsyncStream<Ping>
    private let counter: Counter

    private final class Counter: Sendable {
        let count = NIOLockedValueBox(0)
    }

    /// - Parameter answersLaterPings: leaves only the first to the test.
    init(answersLaterPings: Bool = false) {
        let (pings, notes) = AsyncStream.makeStream(of: Ping.self)
        let counter = Counter()
        (self.pings, self.counter) = (pings, counter)
        probe = Probe { connection, payload in
            if let hello = try? Message(tag: Message.Tag.hello.rawValue, payload: payload) {
                return connection.send(Frame.encode(hello))
            }
            // Nothing else of eight bytes is said where no casebook is shared.
            guard payload.count == 8 else { return }
            let ping = Ping(connection: connection, payload: payload)
            let number = counter.count.withLockedValue { count in
                count += 1
                return count
            }
            if answersLaterPings, number > 1 { ping.answer() } else { notes.yield(ping) }
        }
    }

    var pingCount: Int { counter.count.withLockedValue { $0 } }
}
