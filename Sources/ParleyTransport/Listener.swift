import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import ParleyCRDT

/// Why an address can't be listened on, in the system's words.
package struct ListenError: Error, Equatable, Sendable {
    package let reason: String
}

/// Accepts connections on a TCP port.
///
/// Whoever has no certificate, speaks no TLS 1.3 or has a key other than Ed25519 is dropped before
/// it has received a byte of ours beyond the handshake, and counted.
package final class Listener: Sendable {
    private let channel: any Channel
    private let visitors: Visitors

    private init(channel: any Channel, visitors: Visitors) {
        self.channel = channel
        self.visitors = visitors
    }

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - port: 0 lets the system choose, see `address`.
    ///   - makeHandler: called for every peer whose key TLS has proved, a stranger's too.
    /// - Throws: `ListenError` when the address can't be bound.
    package static func bind(
        _ endpoint: Endpoint, host: String, port: Int, makeHandler: @escaping MakeHandler
    ) async throws -> Listener {
        let visitors = Visitors(endpoint: endpoint)
        let bootstrap = ServerBootstrap(group: endpoint.group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 128)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: FramePipeline.watermark)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try visitors.receive(channel, makeHandler: makeHandler)
                }
            }
        do {
            let channel = try await bootstrap.bind(host: host, port: port).get()
            return Listener(channel: channel, visitors: visitors)
        } catch let error as IOError {
            throw ListenError(reason: String(cString: strerror(error.errnoCode)))
        } catch {
            throw ListenError(reason: "no such address")
        }
    }

    /// `host:port` as bound.
    package var address: String { channel.localAddress?.hostAndPort ?? "" }

    package var port: Int { channel.localAddress?.port ?? 0 }

    /// Stops listening and ends every connection; returns when the last socket is closed, which
    /// takes no longer than the two seconds a peer's farewell is waited for.
    package func close() async {
        try? await channel.close()
        for visitor in visitors.dismissAll() {
            try? await visitor.closeFuture.get()
        }
    }
}

/// The connections a listener has accepted.
private final class Visitors: Sendable {
    private struct Book {
        var census: ConnectionCensus
        var channels: [UInt64: any Channel] = [:]
        var connections: [UInt64: Connection] = [:]
        var isClosed = false
    }

    private struct Refused: Error {}

    private let endpoint: Endpoint
    private let book: NIOLockedValueBox<Book>

    init(endpoint: Endpoint) {
        self.endpoint = endpoint
        book = NIOLockedValueBox(Book(census: ConnectionCensus(limits: endpoint.limits)))
    }

    /// Prepares an accepted socket, or throws, upon which NIO closes it.
    func receive(_ channel: any Channel, makeHandler: @escaping MakeHandler) throws {
        let address = channel.remoteAddress?.ipAddress ?? ""
        let entered = book.withLockedValue { book -> (number: UInt64, leaving: (any Channel)?)? in
            guard !book.isClosed else { return nil }
            let (number, leaving) = book.census.enter(from: address)
            book.channels[number] = channel
            return (number, leaving.flatMap { book.channels[$0] })
        }
        guard let (number, leaving) = entered else { throw Refused() }
        if let leaving {
            endpoint.refusals.add(.tooManyConnections, node: nil)
            leaving.close(promise: nil)
        }
        channel.closeFuture.whenComplete { _ in self.forget(number) }
        try FramePipeline.install(
            on: channel, endpoint: endpoint, expected: nil,
            observer: Visitor(number: number, visitors: self), makeHandler: makeHandler)
    }

    func admit(_ number: UInt64, as peer: NodeID) -> Bool {
        book.withLockedValue { $0.census.admit(number, as: peer) }
    }

    func connected(_ number: UInt64, _ connection: Connection) {
        let isLate = book.withLockedValue { book in
            book.connections[number] = connection
            return book.isClosed
        }
        if isLate { connection.close(.shuttingDown) }
    }

    /// Ends every connection and takes no more.
    ///
    /// - Returns: the sockets that are still open.
    func dismissAll() -> [any Channel] {
        let (channels, connections) = book.withLockedValue { book in
            book.isClosed = true
            return (book.channels, book.connections)
        }
        for (number, channel) in channels {
            if let connection = connections[number] {
                connection.close(.shuttingDown)
            } else {
                channel.close(promise: nil)
            }
        }
        return Array(channels.values)
    }

    private func forget(_ number: UInt64) {
        book.withLockedValue { book in
            book.census.leave(number)
            book.channels[number] = nil
            book.connections[number] = nil
        }
    }
}

/// One accepted connection, as its frames report on it.
private struct Visitor: FrameChannelObserver {
    let number: UInt64
    let visitors: Visitors

    func admits(_ peer: NodeID) -> Bool { visitors.admit(number, as: peer) }
    func connected(_ connection: Connection) { visitors.connected(number, connection) }
    func left(_ reason: CloseReason) {}
}
