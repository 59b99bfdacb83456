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
        switch error {
        case .noDaemon:
            self.init(
                Exit.unreachable, "no daemon runs in \(home). Start one: `parleyd --home \(home)`.")
        case .pathTooLong(let bytes):
            self.init(
                Exit.refused,
                "cannot use \(home): the path of its control socket has \(bytes) bytes, the system "
                    + "allows 107. Choose a shorter folder with --home.")
        case .folderNotPrivate(let folder):
            self.init(
                Exit.notPermitted,
                "cannot use \(folder): it isn't a folder that only you can open. Check whose it is, "
                    + "then type `chmod 700 \(folder)`.")
        case .nameTaken(let path):
            self.init(
                Exit.refused,
                "cannot use \(path): it is no socket. Look at what it is, and move it away.")
        case .otherUser(let user):
            self.init(
                Exit.notPermitted,
                "cannot talk to the daemon in \(home): it runs as user \(user). Run as that user, or "
                    + "choose another folder with --home.")
        case .tooLarge(let bytes):
            self.init(
                Exit.refused,
                "cannot ask that in one go: it makes a message of \(ByteText.of(bytes)). Ask for "
                    + "less with --limit, or split the longest line.")
        case .malformed:
            self.init(
                Exit.refused,
                "cannot understand the daemon in \(home): its version differs from this parley's. "
                    + "Install both from one release and restart parleyd.")
        case .connectionLost:
            self.init(
                Exit.unreachable,
                "the daemon in \(home) went away before it answered: what you asked for may be done "
                    + "or not. Restart parleyd, then look with `parley log --limit 5`.")
        case .system(let call, let number):
            self.init(
                Exit.refused,
                "cannot reach the daemon in \(home): the system refused `\(call)` with error "
                    + "\(number). Check the folder, and whether the disk is full.")
        }
    }
}
