/// Why the command line and the node in the same home could not talk.
package enum ControlError: Error, Hashable, Sendable {
    /// No socket, or nobody behind it: open the home without a daemon.
    case noDaemon
    /// A socket's path has at most 107 bytes: choose a shorter `--home`.
    case pathTooLong(bytes: Int)
    /// The folder is a symbolic link, no folder, somebody else's or open to others: refuse.
    case folderNotPrivate(String)
    /// Something that is no socket has its name: refuse, a person must look.
    case nameTaken(String)
    /// The process at the other end belongs to another user: refuse.
    case otherUser(UInt32)
    /// A message above its limit: ask for less.
    case tooLarge(bytes: Int)
    /// The other side doesn't speak this language; most likely versions differ.
    case malformed
    /// The other side went away in the middle: what it was asked may or may not be done.
    case connectionLost
    /// The system refused a call.
    case system(call: String, number: Int32)
}
