import Glibc

extension ControlError {
    /// What a person reads: what could not be done, why, and what to type next.
    ///
    /// - Parameter home: the folder the socket belongs to.
    package func explanation(home: String) -> String {
        switch self {
        case .noDaemon:
            "no daemon runs in \(home). Start one: `parleyd --home \(home)`."
        case .pathTooLong(let bytes):
            "cannot use \(home): the path of its control socket has \(bytes) bytes, the system "
                + "allows 107. Choose a shorter folder with --home."
        case .folderNotPrivate(let folder):
            "cannot use \(folder): it isn't a folder that only you can open. Check whose it is, "
                + "then type `chmod 700 \(folder)`."
        case .nameTaken(let path):
            "cannot use \(path): it is no socket. Look at what it is, and move it away."
        case .otherUser(let user):
            "cannot talk to the daemon in \(home): it runs as user \(user). Run as that user, or "
                + "choose another folder with --home."
        case .tooLarge(let bytes):
            "cannot ask that in one go: it makes a message of \(bytes) bytes. Ask for less with "
                + "--limit, or split the longest line."
        case .malformed:
            "cannot understand the daemon in \(home): its version differs from this parley's. "
                + "Install both from one release and restart parleyd."
        case .connectionLost:
            "the daemon in \(home) went away before it answered: what you asked for may be done "
                + "or not. Restart parleyd, then look with `parley log --limit 5`."
        case .system(let call, let number):
            "cannot use the control socket in \(home): the system refused `\(call)`, "
                + "\(String(cString: strerror(number))). Check the folder, and whether the disk is "
                + "full."
        }
    }

    /// The exit code of a program that ends with it, as `parley help` lists them.
    package var exitCode: Int32 {
        switch self {
        case .noDaemon, .connectionLost: 5
        case .folderNotPrivate, .otherUser: 6
        case .pathTooLong, .nameTaken, .tooLarge, .malformed, .system: 1
        }
    }
}
