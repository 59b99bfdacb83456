import Glibc
package import NIOCore
import NIOPosix

/// The node's end of the control socket.
///
/// Whoever can talk to it can do everything the node's owner can, so it lies in a folder nobody
/// else may enter, has mode 0600, and asks the system who connected.
package final class ControlServer: Sendable {
    /// Answers one request with one response, or with several of which all but the last continue.
    ///
    /// Cancelled when the command line goes away.
    package typealias Handler = @Sendable (Envelope, ControlReply) async -> Void

    /// Connections between `bind` and `run`; more are hung up on.
    private static let waitingConnections = 64

    package static let usualPieceBytes = ControlFrame.pieceBytes
    /// A thread for commands alone: peers that keep those of the network busy mustn't keep the node's
    /// owner waiting.
    package static let usualGroup: any EventLoopGroup =
        MultiThreadedEventLoopGroup(numberOfThreads: 1)

    package let path: String
    private let channel: any Channel
    private let arrivals: AsyncStream<ControlConversation>
    /// Held for as long as the socket is there, so that nobody else takes it for a stale one.
    private let lock: HomeLock
    private let pieceBytes: Int

    private init(
        path: String, channel: any Channel, arrivals: AsyncStream<ControlConversation>,
        lock: HomeLock, pieceBytes: Int
    ) {
        self.path = path
        self.channel = channel
        self.arrivals = arrivals
        self.lock = lock
        self.pieceBytes = pieceBytes
    }

    /// Puts the socket in place; connections wait until `run`, which has to follow.
    ///
    /// - Parameters:
    ///   - lock: of the home `path` lies in. Who holds it is alone there, so a socket that is there
    ///     already is a dead daemon's and is removed.
    ///   - pieceBytes: of an answer that travel in one frame.
    /// - Throws: `ControlError`, or NIO's error.
    package static func bind(
        path: String, holding lock: HomeLock,
        group: any EventLoopGroup = ControlServer.usualGroup,
        pieceBytes: Int = ControlServer.usualPieceBytes
    ) async throws -> ControlServer {
        try UnixSocket.checkFolder(of: path)
        try UnixSocket.removeStale(path)
        let (arrivals, door) = AsyncStream.makeStream(
            of: ControlConversation.self, bufferingPolicy: .bufferingOldest(waitingConnections))
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    let conversation = try ControlConversation(on: child)
                    guard case .enqueued = door.yield(conversation) else {
                        child.close(promise: nil)
                        return
                    }
                }
            }
            .withBoundSocket(try UnixSocket.bound(to: path)).get()
        channel.closeFuture.whenComplete { _ in door.finish() }
        return ControlServer(
            path: path, channel: channel, arrivals: arrivals, lock: lock, pieceBytes: pieceBytes)
    }

    /// Serves until the task is cancelled, then ends what is under way and removes the socket.
    ///
    /// - Throws: `connectionLost` when the socket is closed by anything but that.
    package func run(_ handler: @escaping Handler) async throws {
        await withDiscardingTaskGroup { group in
            await withTaskCancellationHandler {
                for await conversation in arrivals {
                    group.addTask { [pieceBytes] in
                        await conversation.serve(handler, pieceBytes: pieceBytes)
                    }
                }
            } onCancel: {
                channel.close(promise: nil)
            }
            group.cancelAll()
        }
        unlink(path)
        guard Task.isCancelled else { throw ControlError.connectionLost }
    }
}
