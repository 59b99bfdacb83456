import GRDBSQLite
import Glibc
import NIOConcurrencyHelpers

/// Makes writes to chosen files fail, below SQLite and in this process only: the system call SQLite
/// makes is replaced by one that looks at the file first.
package enum FailingDisk {
    private struct Faults {
        /// By inode: the error, and how many writes succeed before.
        var files: [UInt64: (error: Int32, after: Int)] = [:]
        var isInstalled = false
    }

    private static let faults = NIOLockedValueBox(Faults())

    private typealias Write = @convention(c) (Int32, UnsafeRawPointer?, Int, Int64) -> Int

    /// From now on writes to a file fail.
    ///
    /// - Parameters:
    ///   - path: of a file that is there.
    ///   - after: how many writes still succeed.
    package static func fail(_ path: String, with error: Int32, after: Int = 0) {
        install()
        let inode = inode(of: path)
        faults.withLockedValue { $0.files[inode] = (error, after) }
    }

    package static func heal(_ path: String) {
        let inode = inode(of: path)
        _ = faults.withLockedValue { $0.files.removeValue(forKey: inode) }
    }

    private static func install() {
        let isFirst = faults.withLockedValue { faults in
            defer { faults.isInstalled = true }
            return !faults.isInstalled
        }
        guard isFirst, let files = sqlite3_vfs_find("unix-excl") else { return }
        let replacement: Write = { descriptor, bytes, count, offset in
            guard let error = FailingDisk.error(for: descriptor) else {
                return pwrite(descriptor, bytes, count, Int(offset))
            }
            errno = error
            return -1
        }
        for name in ["pwrite", "pwrite64"] {
            let pointer = unsafeBitCast(replacement, to: sqlite3_syscall_ptr.self)
            _ = files.pointee.xSetSystemCall(files, name, pointer)
        }
    }

    private static func error(for descriptor: Int32) -> Int32? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        let inode = UInt64(status.st_ino)
        return faults.withLockedValue { faults in
            guard let fault = faults.files[inode] else { return nil }
            guard fault.after == 0 else {
                faults.files[inode]?.after -= 1
                return nil
            }
            return fault.error
        }
    }

    private static func inode(of path: String) -> UInt64 {
        var status = stat()
        precondition(stat(path, &status) == 0, "there is no such file")
        return UInt64(status.st_ino)
    }
}
