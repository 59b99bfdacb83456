import NIOCore
import NIOSSL
import ParleyCRDT

/// The handlers of one connection, in order: meter, TLS, frames.
enum FramePipeline {
    /// One frame of full size is enough to call the peer slow; the rest stays in the store.
    static let watermark = ChannelOptions.Types.WriteBufferWaterMark(
        low: 64 * 1024, high: 256 * 1024)

    /// - Parameter expected: the only key that will do, given on the side that dials.
    /// - Precondition: called on the channel's event loop.
    static func install(
        on channel: any Channel, endpoint: Endpoint, expected: NodeID?,
        observer: any FrameChannelObserver, makeHandler: @escaping MakeHandler
    ) throws {
        let isInitiator = expected != nil
        let meter = WireMeter()
        let verification = PeerVerification(expected: expected)
        let tls = try verification.handler(
            certificate: endpoint.certificate, isInitiator: isInitiator,
            eventLoop: channel.eventLoop)
        let frames = FrameChannel(
            endpoint: endpoint, isInitiator: isInitiator, meter: meter,
            verification: verification, observer: observer, makeHandler: makeHandler)
        try channel.pipeline.syncOperations.addHandlers([meter, tls, frames])
    }
}
