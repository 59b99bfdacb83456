import Glibc

/// The command line's end of the control socket: plain blocking calls, because a command that
/// lives for ten milliseconds has no time to start event loops.
///
/// One request at a time; any number one after the other.
package final class ControlClient {
    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// - Throws: `noDaemon` where the home should be opened without one, `otherUser` where the
    ///   process behind the socket isn't ours, `pathTooLong`, `system`.
    package static func connect(path: String) throws(ControlError) -> ControlClient {
        let client = ControlClient(descriptor: try UnixSocket.connected(to: path))
        try UnixSocket.checkPeer(client.descriptor)
        return client
    }

    /// Asks and waits for the answer, whatever its size.
    ///
    /// - Throws: `tooLarge`, `connectionLost`, `malformed`, `system`.
    package func request(_ envelope: Envelope) throws(ControlError) -> Response {
        try send(envelope)
        return try receiveWhole()
    }

    /// Asks, and hands over the answer's text in pieces as they come, without ever holding all of
    /// it.
    ///
    /// - Returns: what else the answer says; its text is the last piece.
    /// - Throws: the same, possibly after some pieces.
    package func request(
        _ envelope: Envelope, _ take: (String) -> Void
    ) throws(ControlError) -> Response {
        try send(envelope)
        return try receive(take)
    }

    /// Asks, and hands over every answer as it comes, until the last one or until `body` has had
    /// enough and returns `false`; after that this client is of no more use.
    package func stream(
        _ envelope: Envelope, _ body: (Response) -> Bool
    ) throws(ControlError) {
        try send(envelope)
        while true {
            let response = try receiveWhole()
            guard body(response), response.continues else { return }
        }
    }

    private func receiveWhole() throws(ControlError) -> Response {
        var text = ""
        let last = try receive { text += $0 }
        return last.ending(in: text)
    }

    /// Receives one answer, piece by piece.
    private func receive(_ take: (String) -> Void) throws(ControlError) -> Response {
        while true {
            let response = try receiveFrame()
            if let json = response.json { take(json) }
            if !response.isPiece { return response }
        }
    }

    private func send(_ envelope: Envelope) throws(ControlError) {
        try write(try ControlFrame.encode(envelope, limit: ControlFrame.requestBytes))
    }

    private func receiveFrame() throws(ControlError) -> Response {
        let header = try read(ControlFrame.lengthBytes)
        let length = try ControlFrame.length(header, limit: ControlFrame.responseBytes)
        return try ControlFrame.decode(Response.self, from: try read(length))
    }

    private func write(_ bytes: [UInt8]) throws(ControlError) {
        // A daemon that went away is an error to report, not a signal to die of.
        let noSignal = Int32(MSG_NOSIGNAL)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    descriptor, buffer.baseAddress! + sent, buffer.count - sent, noSignal)
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && (errno == EPIPE || errno == ECONNRESET) { throw .connectionLost }
            guard count > 0 else { throw .lastCall("send") }
            sent += count
        }
    }

    private func read(_ length: Int) throws(ControlError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: length)
        var filled = 0
        while filled < length {
            let count = bytes.withUnsafeMutableBytes { buffer in
                recv(descriptor, buffer.baseAddress! + filled, length - filled, 0)
            }
            if count < 0 && errno == EINTR { continue }
            if count == 0 || (count < 0 && errno == ECONNRESET) { throw .connectionLost }
            guard count > 0 else { throw .lastCall("recv") }
            filled += count
        }
        return bytes
    }
}
