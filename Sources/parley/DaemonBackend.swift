import ParleyControl
import ParleyNode

/// The daemon of a home, asked over its control socket.
///
/// `@unchecked Sendable`: the client is used by one task at a time, whoever wants to ask two things
/// at once takes a sibling.
struct DaemonBackend: Backend, @unchecked Sendable {
    let client: ControlClient
    let home: String

    func sibling() throws -> any Backend {
        do {
            return DaemonBackend(
                client: try ControlClient.connect(path: Home(path: home).controlPath), home: home)
        } catch {
            throw CommandFailure(error, home: home)
        }
    }

    func perform(_ envelope: Envelope) throws -> Response {
        do {
            return try client.request(envelope)
        } catch {
            throw CommandFailure(error, home: home)
        }
    }

    func perform(_ envelope: Envelope, receive: (String) -> Void) throws -> Response {
        do {
            return try client.request(envelope, receive)
        } catch {
            throw CommandFailure(error, home: home)
        }
    }

    func stream(_ envelope: Envelope, receive: (Response) throws -> Void) throws {
        var failure: (any Error)?
        do {
            try client.stream(envelope) { response in
                do {
                    try receive(response)
                } catch {
                    failure = error
                }
                return failure == nil
            }
        } catch {
            throw CommandFailure(error, home: home)
        }
        if let failure { throw failure }
    }

    func close() {}
}

extension CommandFailure {
    init(_ error: ControlError, home: String) {
        self.init(error.exitCode, error.explanation(home: home))
    }
}
