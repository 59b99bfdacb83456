import Glibc
import NIOCore

/// One command line's connection: requests in turn, until either side ends it.
struct ControlConversation: Sendable {
    let channel: any Channel
    private let requests: AsyncThrowingStream<[UInt8], any Error>
    /// Ends when the command line has gone away.
    private let presence: AsyncStream<Never>

    /// Begins to read from an accepted socket.
    ///
    /// - Precondition: called on the channel's event loop, before anything is read.
    init(on channel: any Channel) throws {
        // One request waits at most: a command line asks again only after the last answer.
        let (requests, queue) = AsyncThrowingStream.makeStream(
            of: [UInt8].self, bufferingPolicy: .bufferingOldest(1))
        let (presence, leaving) = AsyncStream.makeStream(of: Never.self)
        self.channel = channel
        self.requests = requests
        self.presence = presence
        try channel.pipeline.syncOperations.addHandler(
            ControlRequestReader(queue: queue, leaving: leaving))
    }

    /// Answers what is asked until the command line goes away, which cancels what is under way, or
    /// until it says something that can't be understood; then hangs up.
    ///
    /// - Parameter pieceBytes: of an answer that travel in one frame.
    func serve(_ handler: @escaping ControlServer.Handler, pieceBytes: Int) async {
        // A command line that goes away in the middle is no error of ours.
        try? await withThrowingTaskGroup { group in
            try await checkCredentials()
            group.addTask { for await _ in presence {} }
            group.addTask(executorPreference: LoopExecutor(channel.eventLoop)) {
                try await answer(handler, pieceBytes: pieceBytes)
            }
            defer { group.cancelAll() }
            try await group.next()
        }
        try? await channel.close()
    }

    private func answer(_ handler: ControlServer.Handler, pieceBytes: Int) async throws {
        let reply = ControlReply(channel, pieceBytes: pieceBytes)
        do {
            for try await json in requests {
                let envelope = try ControlFrame.decode(Envelope.self, from: json)
                guard !envelope.request.isBrief else {
                    await handler(envelope, reply)
                    continue
                }
                await withTaskExecutorPreference(globalConcurrentExecutor) {
                    await handler(envelope, reply)
                }
            }
        } catch let error as ControlError {
            try await reply.send(ControlReply.refusal(error))
        }
    }

    private func checkCredentials() async throws {
        guard let provider = channel as? any SocketOptionProvider else {
            preconditionFailure("a control connection is a socket")
        }
        let credentials: PeerCredentials = try await provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED)
        ).get()
        try credentials.check()
    }
}

/// Cuts what arrives into requests and notices the end.
private final class ControlRequestReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let queue: AsyncThrowingStream<[UInt8], any Error>.Continuation
    private let leaving: AsyncStream<Never>.Continuation
    private var decoder = ControlFrameDecoder(limit: ControlFrame.requestBytes)
    private var isRefused = false

    init(
        queue: AsyncThrowingStream<[UInt8], any Error>.Continuation,
        leaving: AsyncStream<Never>.Continuation
    ) {
        self.queue = queue
        self.leaving = leaving
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        decoder.append(unwrapInboundIn(data).readableBytesView)
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

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        queue.finish()
        leaving.finish()
    }
}
