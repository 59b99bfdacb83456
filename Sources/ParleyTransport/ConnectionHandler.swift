/// What lives on a connection: the driver of a session.
///
/// Made by the `makeHandler` closure of `Listener` or `Dialer` on the connection's event loop once
/// TLS has shown who the peer is. Every call comes on that event loop, one at a time.
package protocol ConnectionHandler: AnyObject {
    /// The first call. A peer that isn't known must not be sent anything before its first frame.
    func connected()

    /// One whole frame, in order. A stranger's second frame waits until `Connection.admit()`.
    func received(tag: UInt8, payload: [UInt8])

    /// `false`: enough is queued, send nothing more before `true`. Reading goes on regardless.
    func writabilityChanged(_ isWritable: Bool)

    /// The last call, exactly once; sending is without effect from now on.
    func closed(_ reason: CloseReason)
}

/// Makes the handler of a new connection, on the connection's event loop.
package typealias MakeHandler = @Sendable (Connection) -> any ConnectionHandler
