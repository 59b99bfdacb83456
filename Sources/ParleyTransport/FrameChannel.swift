import NIOCore
import NIOSSL
import NIOTLS
import ParleyCRDT
import ParleyWire

/// Turns decrypted bytes into frames for the handler, and keeps the time.
///
/// The last handler of the pipeline. What is allowed when is `Doorway`'s to say; this class only
/// performs it.
final class FrameChannel: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let endpoint: Endpoint
    private let isInitiator: Bool
    private let meter: WireMeter
    private let verification: PeerVerification
    private let makeHandler: MakeHandler
    private let observer: any FrameChannelObserver

    private var doorway: Doorway
    private var decoder: FrameDecoder
    private var context: ChannelHandlerContext?
    private var connection: Connection?
    private var handler: (any ConnectionHandler)?
    private var reason: CloseReason?
    private var alarm: Scheduled<Void>?
    private var isDelivering = false
    /// Whether frames wait to leave together, once those that led to them have been delivered. Each on
    /// its own would cost a system call and a buffer, which whoever sends many small ones decides.
    private var isHoldingBack = false

    init(
        endpoint: Endpoint, isInitiator: Bool, meter: WireMeter, verification: PeerVerification,
        observer: any FrameChannelObserver, makeHandler: @escaping MakeHandler
    ) {
        self.endpoint = endpoint
        self.isInitiator = isInitiator
        self.meter = meter
        self.verification = verification
        self.observer = observer
        self.makeHandler = makeHandler
        doorway = Doorway(limits: endpoint.limits, now: .now())
        decoder = FrameDecoder(limit: doorway.frameLimit)
    }

    var isOpen: Bool { !doorway.isClosed }
    var isWritable: Bool { isOpen && context?.channel.isWritable == true }
    var traffic: Traffic { meter.traffic }

    func send(_ frame: [UInt8]) {
        guard isOpen, let context else { return }
        precondition(doorway.isSpeaking, "nothing is sent to a stranger before its frame")
        context.write(wrapOutboundOut(ByteBuffer(bytes: frame)), promise: nil)
        isHoldingBack = true
        if !isDelivering { release() }
    }

    /// Lets go what was held back, and cuts off a peer that takes none of it.
    private func release() {
        guard isHoldingBack, isOpen, let context else { return }
        isHoldingBack = false
        context.flush()
        if !context.channel.isWritable, queuedBytes > endpoint.limits.queuedBytes {
            cut(.notReading)
        }
    }

    private var queuedBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    func admit() {
        guard doorway.isStranger, let connection else { return }
        guard observer.admits(connection.peer) else {
            close(.tooManyConnections)
            return
        }
        change { $0.admit(now: .now()) }
        deliver()
    }

    func setReading(_ isReading: Bool) {
        change { $0.setReading(isReading, now: .now()) }
        deliver()
    }

    /// Ends the connection in good order.
    func close(_ reason: CloseReason) {
        release()
        guard end(reason) else { return }
        // The peer's farewell must be read even where frames aren't.
        applyReading()
        context?.close(promise: nil)
    }

    // MARK: ChannelInboundHandler

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        wake(at: doorway.nextAlarm)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent { secured(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isOpen else { return }
        doorway.heard(now: .now())
        decoder.append(unwrapInboundIn(data).readableBytesView)
        deliver()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isOpen { handler?.writabilityChanged(context.channel.isWritable) }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        cut(verification.reason(for: error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        _ = end(connection == nil ? .handshakeFailed : .closedByPeer)
        guard let reason else { preconditionFailure("a closed connection has a reason") }
        observer.left(reason)
        handler?.closed(reason)
        handler = nil
        // Each holds the other; nobody else needs it from here on.
        connection = nil
        context.fireChannelInactive()
    }

    // MARK: Private

    private func secured(_ context: ChannelHandlerContext) {
        guard isOpen else { return }
        guard let peer = verification.peer else {
            cut(.wrongCertificate)
            return
        }
        guard isInitiator || !endpoint.isRevoked(peer) else {
            cut(.revoked)
            return
        }
        let isKnown = isInitiator || endpoint.isMember(peer)
        guard !isKnown || observer.admits(peer) else {
            cut(.tooManyConnections)
            return
        }
        doorway.secured(isKnown: isKnown)
        let connection = Connection(
            peer: peer, remoteAddress: context.channel.remoteAddress?.hostAndPort ?? "",
            isInitiator: isInitiator, isKnown: isKnown, eventLoop: context.eventLoop, frames: self)
        self.connection = connection
        let handler = makeHandler(connection)
        self.handler = handler
        handler.connected()
        observer.connected(connection)
    }

    /// Hands over what may be handed over; a handler that changes the rules meanwhile is heeded.
    private func deliver() {
        guard !isDelivering else { return }
        isDelivering = true
        defer {
            isDelivering = false
            release()
        }
        while doorway.isDelivering {
            decoder.limit = doorway.frameLimit
            do throws(WireError) {
                guard let frame = try decoder.next() else { return }
                change { $0.delivered() }
                handler?.received(tag: frame.tag, payload: frame.payload)
            } catch {
                if case .frameTooLarge = error.code { cut(.tooLarge) } else { cut(.corrupt) }
            }
        }
    }

    /// Lets something happen to the doorway and follows it with the socket and the clock.
    private func change(_ event: (inout Doorway) -> Void) {
        let before = (doorway.isTakingBytes, doorway.isOpening)
        event(&doorway)
        if before.0 != doorway.isTakingBytes { applyReading() }
        if before.1 != doorway.isOpening { wake(at: doorway.nextAlarm) }
    }

    private func applyReading() {
        guard let options = context?.channel.syncOptions else { return }
        // Fails only on a closed channel, where it no longer matters.
        try? options.setOption(.autoRead, value: doorway.isTakingBytes)
    }

    /// Ends the connection at once: nothing more is sent or waited for.
    private func cut(_ reason: CloseReason) {
        _ = end(reason)
        meter.cut()
    }

    /// Nothing is delivered, sent or timed any more.
    ///
    /// - Returns: whether it wasn't ended before.
    private func end(_ reason: CloseReason) -> Bool {
        guard isOpen else { return false }
        self.reason = reason
        doorway.close()
        alarm?.cancel()
        let member = connection?.isKnown == true ? connection?.peer : verification.expected
        endpoint.refusals.add(reason, node: member)
        return true
    }

    private func wake(at deadline: NIODeadline) {
        guard let context else { return }
        alarm?.cancel()
        alarm = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.ring() }
    }

    private func ring() {
        switch doorway.alarm(now: .now()) {
        case .close(let reason): cut(reason)
        case .wake(let deadline): wake(at: deadline)
        case .none: break
        }
    }
}

/// Who accepted or dialled a connection and keeps count of it.
protocol FrameChannelObserver: Sendable {
    /// Whether there is room for one more connection of this known peer.
    func admits(_ peer: NodeID) -> Bool
    /// TLS is done and the handler made.
    func connected(_ connection: Connection)
    /// The socket is closed.
    func left(_ reason: CloseReason)
}

extension SocketAddress {
    /// `host:port`, with brackets around the colons of IPv6.
    var hostAndPort: String {
        guard let host = ipAddress, let port else { return description }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
