import Glibc

/// A stream socket in the file system, as plain system calls.
///
/// Only these make it possible to decide who may connect before anybody can: on Linux a socket's
/// file gets the mode that its descriptor had when it was bound, so no moment passes in which
/// others could open it, and no process-wide umask has to be changed.
enum UnixSocket {
    /// A socket bound to `path`, mode 0600, that doesn't listen yet.
    ///
    /// - Throws: `pathTooLong`, `nameTaken`, `system`.
    static func bound(to path: String) throws(ControlError) -> Int32 {
        let descriptor = try make()
        do throws(ControlError) {
            guard fchmod(descriptor, 0o600) == 0 else { throw .lastCall("fchmod") }
            guard try call(bind, descriptor, path) == 0 else {
                throw errno == EADDRINUSE ? .nameTaken(path) : .lastCall("bind")
            }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// A connected socket.
    ///
    /// - Throws: `noDaemon` where there is no socket or nobody listens, `pathTooLong`, `system`.
    static func connected(to path: String) throws(ControlError) -> Int32 {
        let descriptor = try make()
        do throws(ControlError) {
            guard try call(connect, descriptor, path) == 0 else {
                let isAbsent = errno == ENOENT || errno == ECONNREFUSED
                throw isAbsent ? .noDaemon : .lastCall("connect")
            }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Removes the socket a killed daemon has left behind; anything else of that name stays.
    ///
    /// - Throws: `nameTaken`, `system`.
    static func removeStale(_ path: String) throws(ControlError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw .lastCall("lstat")
        }
        guard status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == geteuid() else {
            throw .nameTaken(path)
        }
        guard unlink(path) == 0 || errno == ENOENT else { throw .lastCall("unlink") }
    }

    /// Refuses a folder in which others could put or read things.
    ///
    /// - Throws: `folderNotPrivate`.
    static func checkFolder(of path: String) throws(ControlError) {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == geteuid(), status.st_mode & 0o077 == 0
        else { throw .folderNotPrivate(folder) }
    }

    /// Refuses a process of another user at the other end; root may, it can do anything anyway.
    ///
    /// - Throws: `otherUser`, `system`.
    static func checkPeer(_ descriptor: Int32) throws(ControlError) {
        var credentials = PeerCredentials()
        var length = socklen_t(MemoryLayout<PeerCredentials>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
            throw .lastCall("getsockopt")
        }
        try credentials.check()
    }

    private static func make() throws(ControlError) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .lastCall("socket") }
        return descriptor
    }

    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32,
        _ descriptor: Int32, _ path: String
    ) throws(ControlError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .pathTooLong(bytes: bytes.count)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// Linux's `struct ucred`, which Glibc shows only to programs that define `_GNU_SOURCE`.
struct PeerCredentials: Sendable {
    var process: Int32 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0

    /// - Throws: `otherUser` unless it is us or root.
    func check() throws(ControlError) {
        guard user == geteuid() || user == 0 else { throw .otherUser(user) }
    }
}

extension ControlError {
    /// The system's reason for the call that has just failed.
    static func lastCall(_ call: String) -> ControlError {
        .system(call: call, number: errno)
    }
}
