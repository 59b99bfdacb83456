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

    private typealias Conversation = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    package let path: String
    private let channel: NIOAsyncChannel<Conversation, Never>
    /// Held for as long as the socket is there, so that nobody else takes it for a stale one.
    private let lock: HomeLock

    private init(path: String, channel: NIOAsyncChannel<Conversation, Never>, lock: HomeLock) {
        self.path = path
        self.channel = channel
        self.lock = lock
    }

    /// Puts the socket in place; connections wait until `run`.
    ///
    /// - Parameter lock: of the home `path` lies in. Who holds it is alone there, so a socket that is
    ///   there already is a dead daemon's and is removed.
    /// - Throws: `ControlError`, or NIO's error.
    package static func bind(
        path: String, holding lock: HomeLock,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> ControlServer {
        try UnixSocket.checkFolder(of: path)
        try UnixSocket.removeStale(path)
        let channel = try await ServerBootstrap(group: group)
            .bind(UnixSocket.bound(to: path)) { child in
                child.eventLoop.makeCompletedFuture {
                    try Conversation(wrappingChannelSynchronously: child)
                }
            }
        return ControlServer(path: path, channel: channel, lock: lock)
    }

    /// Serves until the task is cancelled, then ends what is under way and removes the socket.
    package func run(_ handler: @escaping Handler) async throws {
        defer { unlink(path) }
        try await channel.executeThenClose { conversations in
            try await withThrowingDiscardingTaskGroup { group in
                for try await conversation in conversations {
                    group.addTask { await ControlServer.serve(conversation, handler) }
                }
                group.cancelAll()
            }
        }
    }

    /// Refuses another user; here and not when the connection is accepted, because an error there
    /// ends the whole server.
    private static func checkCredentials(of channel: any Channel) async throws {
        guard let provider = channel as? any SocketOptionProvider else {
            preconditionFailure("a control connection is a socket")
        }
        let credentials: PeerCredentials = try await provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED)).get()
        try credentials.check()
    }

    /// One connection: requests in turn, until either side ends it.
    private static func serve(_ conversation: Conversation, _ handler: @escaping Handler) async {
        // A command line that goes away, in the middle of a message or not, is no error of ours.
        try? await conversation.executeThenClose { inbound, outbound in
            try await checkCredentials(of: conversation.channel)
            let reply = ControlReply(outbound)
            // One request waits at most: a command line asks again only after the last answer.
            let (requests, queue) = AsyncThrowingStream.makeStream(
                of: [UInt8].self, bufferingPolicy: .bufferingOldest(1))
            try await withThrowingTaskGroup { group in
                group.addTask { try await read(inbound, into: queue) }
                group.addTask { try await answer(requests, reply, handler) }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    /// Ends when the command line has gone away, which cancels what it has asked for.
    private static func read(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        into queue: AsyncThrowingStream<[UInt8], any Error>.Continuation
    ) async throws {
        var decoder = ControlFrameDecoder(limit: ControlFrame.requestBytes)
        var isRefused = false
        for try await bytes in inbound where !isRefused {
            decoder.append(bytes.readableBytesView)
            do {
                while let json = try decoder.next() {
                    guard case .enqueued = queue.yield(json) else { throw ControlError.malformed }
                }
            } catch {
                // Reading goes on, to notice when the command line has read why and goes away.
                isRefused = true
                queue.finish(throwing: error)
            }
        }
    }

    /// Ends when the conversation can't go on.
    private static func answer(
        _ requests: AsyncThrowingStream<[UInt8], any Error>, _ reply: ControlReply,
        _ handler: Handler
    ) async throws {
        do {
            for try await json in requests {
                let envelope = try ControlFrame.decode(Envelope.self, from: json)
                await handler(envelope, reply)
            }
        } catch let error as ControlError {
            try await reply.send(ControlReply.refusal(error))
        }
    }
}

/// Where the answers to one request go.
package struct ControlReply: Sendable {
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    fileprivate init(_ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) {
        self.outbound = outbound
    }

    /// Sends one answer; returns when the command line has room for the next.
    ///
    /// - Throws: when the command line has gone away. An answer too large for one message is
    ///   replaced by an error that says so.
    package func send(_ response: Response) async throws {
        let bytes: [UInt8]
        do {
            bytes = try ControlFrame.encode(response, limit: ControlFrame.responseBytes)
        } catch {
            bytes = try ControlFrame.encode(
                ControlReply.refusal(error), limit: ControlFrame.responseBytes)
        }
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    fileprivate static func refusal(_ error: ControlError) -> Response {
        switch error {
        case .tooLarge(let bytes):
            Response(
                exitCode: 1,
                error: "cannot carry a message of \(bytes) bytes between parley and parleyd. "
                    + "Ask for less at once, for instance with --limit.")
        default:
            Response(
                exitCode: 1,
                error: "cannot understand the request: parley and parleyd are of different "
                    + "versions. Upgrade the older one and start parleyd again.")
        }
    }
}
