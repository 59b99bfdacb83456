import Glibc

/// How much room the disk has left, and what may still be written.
///
/// What others send can wait on their disks; what is typed here can't, so it may use more of the
/// room. Both stop before SQLite would, because a full disk also stops erasing and tidying up.
package struct FreeSpace: Sendable {
    /// Remote intake stops below this many bytes.
    package static let intakeReserve: UInt64 = 256 << 20
    /// Local edits stop below this many bytes.
    package static let editReserve: UInt64 = 64 << 20
    /// Shutting a node out and taking something back stop below this many bytes: they protect people,
    /// and the rest of the room is kept for them.
    package static let protectionReserve: UInt64 = 1 << 20

    /// Bytes this user may still write; `.max` where the system doesn't say.
    package let bytes: UInt64

    package init(bytes: UInt64) {
        self.bytes = bytes
    }

    /// Asks the file system of a folder.
    package init(at path: String) {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            bytes = .max
            return
        }
        bytes = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    package var allowsIntake: Bool { bytes >= FreeSpace.intakeReserve }
    package var allowsEdits: Bool { bytes >= FreeSpace.editReserve }
    package var allowsProtection: Bool { bytes >= FreeSpace.protectionReserve }
}
