import NIOCore

/// Where the answers to one request go.
package struct ControlReply: Sendable {
    private let channel: any Channel
    private let pieceBytes: Int

    init(_ channel: any Channel, pieceBytes: Int) {
        self.channel = channel
        self.pieceBytes = pieceBytes
    }

    /// Sends one answer, in several frames where it is large; returns when the system has taken it,
    /// so that a slow reader slows down who sends.
    ///
    /// - Throws: when the command line has gone away.
    package func send(_ response: Response) async throws {
        for piece in ResponsePieces(response, byteLimit: pieceBytes) { try await write(piece) }
    }

    /// An error too large for one message is replaced by one that says so.
    private func write(_ response: Response) async throws {
        let bytes: [UInt8]
        do {
            bytes = try ControlFrame.encode(response, limit: ControlFrame.responseBytes)
        } catch {
            bytes = try ControlFrame.encode(
                ControlReply.refusal(error), limit: ControlFrame.responseBytes)
        }
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    /// What a person reads when a request could not even be understood.
    static func refusal(_ error: ControlError) -> Response {
        switch error {
        case .tooLarge(let bytes):
            Response(
                exitCode: 1,
                error: "cannot carry a message of \(bytes) bytes between parley and parleyd. "
                    + "Ask for less at once, for instance with --limit.")
        case .noDaemon, .pathTooLong, .folderNotPrivate, .nameTaken, .otherUser, .malformed,
            .connectionLost, .system:
            Response(
                exitCode: 1,
                error: "cannot understand the request: parley and parleyd are of different "
                    + "versions. Upgrade the older one and start parleyd again.")
        }
    }
}
