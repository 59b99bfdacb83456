import ParleyWire

/// What one listener takes on, and how long it waits. Tests shorten and shrink it.
package struct ConnectionLimits: Sendable {
    /// Connections whose peer isn't known: each costs a socket and a TLS handshake.
    package var strangers = 64
    /// Of these, from one address, so that one scanner doesn't keep everybody else out.
    package var strangersPerAddress = 8
    /// Connections of known peers.
    package var members = 1024
    /// Of these, with one key: two that crossed, and two that are dead without knowing it yet.
    package var membersPerKey = 4
    /// For TLS, the first frame and, with a stranger, its admission together.
    package var opening: Duration = .seconds(15)
    /// Without a byte from the peer; pings come every 30 seconds, so three were lost.
    package var silence: Duration = .seconds(90)
    /// Bytes waiting to be sent on one connection: twice what may be sent and not acknowledged, so
    /// that only a peer that never reads gets there.
    package var queuedBytes = 2 * Limits.unacknowledgedBytesPerPeer

    package init() {}
}
