import ParleyControl

/// A node that answers: the daemon over its socket, or the home opened by this process.
protocol Backend: Sendable {
    func perform(_ envelope: Envelope) async throws -> Response

    /// Hands over the text of the answer in pieces as they come.
    ///
    /// - Returns: what else the answer says.
    func perform(
        _ envelope: Envelope, receive: (String) -> Void
    ) async throws -> Response

    /// Calls `receive` for each of the responses to one request, until the last or a failure.
    func stream(_ envelope: Envelope, receive: (Response) throws -> Void) async throws

    /// A second way to the same node, so that two requests can be under way at once.
    func sibling() throws -> any Backend

    /// Lets go of the home or the socket.
    func close() async
}
