import NIOCore
import NIOPosix
import ParleyCRDT
import ParleyTransport
import ParleyWire

/// What a connection told its handler.
enum Heard: Sendable {
    case connected(Connection)
    case frame(tag: UInt8, payload: [UInt8])
    case writable(Bool)
    case closed(CloseReason)
}

/// Writes down what handlers hear, for a test to await in order.
final class Probe: Sendable {
    let heard: AsyncStream<Heard>
    private let notes: AsyncStream<Heard>.Continuation
    private let answer: @Sendable (Connection, [UInt8]) -> Void

    /// - Parameter answer: what to do with a frame's payload, on the event loop.
    init(answer: @escaping @Sendable (Connection, [UInt8]) -> Void = { _, _ in }) {
        (heard, notes) = AsyncStream.makeStream()
        self.answer = answer
    }

    var makeHandler: MakeHandler {
        { ProbeHandler(connection: $0, notes: self.notes, answer: self.answer) }
    }

    /// The next connection; what comes before it is passed over, as in all of these.
    func connection() async -> Connection? {
        for await event in heard {
            if case .connected(let connection) = event { return connection }
        }
        return nil
    }

    func frame() async -> [UInt8]? {
        for await event in heard {
            if case .frame(_, let payload) = event { return payload }
        }
        return nil
    }

    func writability() async -> Bool? {
        for await event in heard {
            if case .writable(let isWritable) = event { return isWritable }
        }
        return nil
    }

    func closing() async -> CloseReason? {
        for await event in heard {
            if case .closed(let reason) = event { return reason }
        }
        return nil
    }
}

private final class ProbeHandler: ConnectionHandler {
    private let connection: Connection
    private let notes: AsyncStream<Heard>.Continuation
    private let answer: @Sendable (Connection, [UInt8]) -> Void

    init(
        connection: Connection, notes: AsyncStream<Heard>.Continuation,
        answer: @escaping @Sendable (Connection, [UInt8]) -> Void
    ) {
        self.connection = connection
        self.notes = notes
        self.answer = answer
    }

    func connected() {
        notes.yield(.connected(connection))
    }

    func received(tag: UInt8, payload: [UInt8]) {
        notes.yield(.frame(tag: tag, payload: payload))
        answer(connection, payload)
    }

    func writabilityChanged(_ isWritable: Bool) {
        notes.yield(.writable(isWritable))
    }

    func closed(_ reason: CloseReason) {
        notes.yield(.closed(reason))
    }
}

extension Connection {
    /// Does something where everything about a connection must be done.
    func perform<Result: Sendable>(
        _ body: @escaping @Sendable (Connection) -> Result
    ) async throws -> Result {
        try await eventLoop.submit { body(self) }.get()
    }

    /// Sends one frame with tag 7 from wherever the test runs.
    func post(_ payload: [UInt8]) async throws {
        let frame = Frame(tag: 7, payload: payload).encoded
        try await perform { $0.send(frame) }
    }
}
