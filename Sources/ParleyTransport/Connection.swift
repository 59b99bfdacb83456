package import NIOCore
package import ParleyCRDT

/// An encrypted connection to a peer whose key TLS has proved, as its handler sees it.
///
/// `Sendable`, so that a registry can hold it, yet only `close` and `run` may be called from
/// anywhere: all else belongs to the event loop and traps elsewhere.
package final class Connection: Sendable {
    package let peer: NodeID
    /// `host:port` of the other side, for people.
    package let remoteAddress: String
    /// Whether this side dialled.
    package let isInitiator: Bool
    /// Whether the peer was a member of anything here when TLS was done. Always so when dialled.
    package let isKnown: Bool
    package let eventLoop: any EventLoop
    private let frames: NIOLoopBound<FrameChannel>

    init(
        peer: NodeID, remoteAddress: String, isInitiator: Bool, isKnown: Bool,
        eventLoop: any EventLoop, frames: FrameChannel
    ) {
        self.peer = peer
        self.remoteAddress = remoteAddress
        self.isInitiator = isInitiator
        self.isKnown = isKnown
        self.eventLoop = eventLoop
        self.frames = NIOLoopBound(frames, eventLoop: eventLoop)
    }

    /// Whether less is queued than the watermark; with `false`, wait for `writabilityChanged`.
    package var isWritable: Bool { frames.value.isWritable }

    /// Bytes on the wire in both directions, those of TLS included.
    package var traffic: Traffic { frames.value.traffic }

    /// Queues whole frames, length first. Without effect once closed.
    ///
    /// - Precondition: a stranger has sent its frame before anything is sent to it.
    package func send(_ frame: [UInt8]) {
        frames.value.send(frame)
    }

    /// Treats a stranger as known from now on: its further frames are read, up to the full size.
    /// Without effect for who is known already. Closes where a cap on members is reached.
    package func admit() {
        frames.value.admit()
    }

    /// Stops or resumes delivering frames and reading the socket, while the store is busy.
    ///
    /// Silence isn't counted meanwhile. Never a way to slow down a peer that reads slowly.
    package func setReading(_ isReading: Bool) {
        frames.value.setReading(isReading)
    }

    /// Sends what is queued, then ends the connection; the first reason given stays.
    ///
    /// No further frame is delivered. `closed` follows within a few seconds. From any thread.
    package func close(_ reason: CloseReason) {
        if eventLoop.inEventLoop {
            frames.value.close(reason)
        } else {
            eventLoop.execute { self.frames.value.close(reason) }
        }
    }

    /// Calls `body` on the event loop after a while on the monotonic clock, unless closed by then.
    package func schedule(
        after delay: Duration, _ body: @escaping () -> Void
    ) -> ConnectionTimer {
        let frames = frames.value
        return ConnectionTimer(
            eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
                if frames.isOpen { body() }
            })
    }

    /// Runs `work` off the event loop and hands its result to `then` on it, closed or not.
    package func run<Result: Sendable>(
        _ work: @escaping @Sendable () async -> Result, then: @escaping (Result) -> Void
    ) {
        eventLoop.makeFutureWithTask(work).assumeIsolated().whenSuccess(then)
    }
}

/// A call that is due later on a connection's event loop.
package struct ConnectionTimer {
    private let scheduled: Scheduled<Void>

    init(_ scheduled: Scheduled<Void>) {
        self.scheduled = scheduled
    }

    package func cancel() {
        scheduled.cancel()
    }
}

/// Bytes that crossed a connection's socket.
package struct Traffic: Hashable, Sendable {
    package var received: UInt64 = 0
    package var sent: UInt64 = 0

    package init() {}

    static func + (left: Traffic, right: Traffic) -> Traffic {
        var sum = left
        sum.received += right.received
        sum.sent += right.sent
        return sum
    }

    static func - (left: Traffic, right: Traffic) -> Traffic {
        var difference = left
        difference.received -= right.received
        difference.sent -= right.sent
        return difference
    }
}
