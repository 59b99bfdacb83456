import NIOCore

/// Counts what crosses the socket; sits before TLS.
///
/// Also the place from which a connection is cut without a word: closing from here passes TLS by,
/// which would otherwise wait for a farewell from a peer that has just proved hostile.
final class WireMeter: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private(set) var traffic = Traffic()
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        traffic.received += UInt64(unwrapInboundIn(data).readableBytes)
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        traffic.sent += UInt64(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
    }

    /// Closes the socket at once.
    func cut() {
        context?.close(promise: nil)
    }
}
