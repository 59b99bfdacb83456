import Glibc
import NIOCore
import NIOPosix
package import ParleyCRDT

/// Why a dial didn't lead to a connection.
package enum DialError: Error, Equatable, Sendable {
    /// Nobody answered: no such host, no route, nothing listens. The text is for people.
    case unreachable(String)
    /// Somebody answered, and the connection ended before its handler was made.
    case closed(CloseReason)

    /// For `Reconnector`.
    package var reason: CloseReason {
        switch self {
        case .unreachable: .connectionLost
        case .closed(let reason): reason
        }
    }
}

/// Connects to peers.
package struct Dialer: Sendable {
    private let endpoint: Endpoint

    package init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }

    /// Connects and returns when the peer has proved its key and the handler is made.
    ///
    /// - Parameter peer: the only key that will do; another is counted as `wrongCertificate`.
    package func dial(
        host: String, port: Int, expecting peer: NodeID, makeHandler: @escaping MakeHandler
    ) async throws(DialError) -> Connection {
        let promise = endpoint.group.any().makePromise(of: Connection.self)
        let attempt = DialAttempt(promise: promise)
        do {
            _ = try await bootstrap(peer, attempt: attempt, makeHandler: makeHandler)
                .connect(host: host, port: port).get()
        } catch {
            promise.fail(DialError.unreachable(Dialer.reason(for: error)))
        }
        do {
            return try await promise.futureResult.get()
        } catch let error as DialError {
            throw error
        } catch {
            preconditionFailure("a dial fails only with a DialError")
        }
    }

    /// One reason of perhaps several: a host has as many addresses, and people need one sentence.
    private static func reason(for error: any Error) -> String {
        let attempts = (error as? NIOConnectionError)?.connectionErrors.map(\.error) ?? [error]
        switch attempts.first {
        case let error as IOError: return String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout?: return "no answer"
        default: return "no such host"
        }
    }

    private func bootstrap(
        _ peer: NodeID, attempt: DialAttempt, makeHandler: @escaping MakeHandler
    ) -> ClientBootstrap {
        let endpoint = endpoint
        return ClientBootstrap(group: endpoint.group)
            .connectTimeout(TimeAmount(endpoint.limits.opening))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: FramePipeline.watermark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try FramePipeline.install(
                        on: channel, endpoint: endpoint, expected: peer, observer: attempt,
                        makeHandler: makeHandler)
                }
            }
    }
}

/// One dial under way.
private struct DialAttempt: FrameChannelObserver {
    let promise: EventLoopPromise<Connection>

    func admits(_ peer: NodeID) -> Bool { true }
    func connected(_ connection: Connection) { promise.succeed(connection) }
    func left(_ reason: CloseReason) { promise.fail(DialError.closed(reason)) }
}
