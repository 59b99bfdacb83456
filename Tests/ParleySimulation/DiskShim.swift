import GRDBSQLite
import Glibc
import NIOConcurrencyHelpers

/// Stands between SQLite and the file system, for files below the folders of simulated disks only.
///
/// It goes by the name of the file system that stores ask for, and hands everything on to that one.
enum DiskShim {
    /// Before the file of the file system below.
    private struct Head {
        var base: sqlite3_file
        var file: Unmanaged<WatchedFile>?
    }

    fileprivate final class WatchedFile {
        let disk: SimulatedDisk
        let path: String

        init(_ disk: SimulatedDisk, _ path: String) {
            (self.disk, self.path) = (disk, path)
        }
    }

    private static let headSize = 64
    private static let disks = NIOLockedValueBox<[String: SimulatedDisk]>([:])

    nonisolated(unsafe) private static let below: UnsafeMutablePointer<sqlite3_vfs> = {
        guard let files = sqlite3_vfs_find("unix-excl") else {
            preconditionFailure("SQLite has no exclusive file system")
        }
        return files
    }()

    /// Lives as long as the process.
    nonisolated(unsafe) private static let shim: UnsafeMutablePointer<sqlite3_vfs> = {
        let shim = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        shim.initialize(to: below.pointee)
        shim.pointee.pNext = nil
        shim.pointee.szOsFile += Int32(headSize)
        shim.pointee.xOpen = { _, path, file, flags, outFlags in
            DiskShim.open(path, file!, flags, outFlags)
        }
        shim.pointee.xDelete = { _, path, sync in
            if let path, let disk = DiskShim.disk(of: String(cString: path)),
                !disk.mayDelete(String(cString: path))
            {
                return SQLITE_IOERR
            }
            return DiskShim.below.pointee.xDelete(DiskShim.below, path, sync)
        }
        return shim
    }()

    private static let installed: Void = {
        precondition(sqlite3_vfs_register(shim, 1) == SQLITE_OK)
    }()

    static func install() { _ = installed }

    static func add(_ disk: SimulatedDisk) { disks.withLockedValue { $0[disk.folder] = disk } }
    static func remove(_ disk: SimulatedDisk) { disks.withLockedValue { $0[disk.folder] = nil } }

    private static func disk(of path: String) -> SimulatedDisk? {
        disks.withLockedValue { disks in disks.first { path.hasPrefix($0.key + "/") }?.value }
    }

    // MARK: Opening

    private static func open(
        _ path: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        let real = real(file)
        let result = below.pointee.xOpen(below, path, real, flags, outFlags)
        let name = path.map { String(cString: $0) }
        let watched = name.flatMap { name in disk(of: name).map { WatchedFile($0, name) } }
        if result == SQLITE_OK, let watched, let inode = inode(of: watched.path) {
            watched.disk.opened(watched.path, inode: inode)
        }
        UnsafeMutableRawPointer(file).bindMemory(to: Head.self, capacity: 1).initialize(
            to: Head(
                base: sqlite3_file(pMethods: result == SQLITE_OK ? UnsafePointer(methods) : nil),
                file: result == SQLITE_OK ? watched.map { .passRetained($0) } : nil))
        return result
    }

    private static func inode(of path: String) -> UInt64? {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    private static func real(
        _ file: UnsafeMutablePointer<sqlite3_file>?
    ) -> UnsafeMutablePointer<sqlite3_file> {
        (UnsafeMutableRawPointer(file!) + headSize).assumingMemoryBound(to: sqlite3_file.self)
    }

    private static func watched(_ file: UnsafeMutablePointer<sqlite3_file>?) -> WatchedFile? {
        UnsafeMutableRawPointer(file!).assumingMemoryBound(to: Head.self).pointee.file?
            .takeUnretainedValue()
    }

    // MARK: Files

    /// The methods of the file below, whose version has shared memory.
    private static func calls(_ file: UnsafeMutablePointer<sqlite3_file>?) -> sqlite3_io_methods {
        real(file).pointee.pMethods.pointee
    }

    nonisolated(unsafe) private static let methods: UnsafeMutablePointer<sqlite3_io_methods> = {
        let methods = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        methods.initialize(
            to: sqlite3_io_methods(
                iVersion: 2,
                xClose: { file in
                    let result = calls(file).xClose(real(file))
                    let head = UnsafeMutableRawPointer(file!).assumingMemoryBound(to: Head.self)
                    head.pointee.file?.release()
                    head.pointee.file = nil
                    return result
                },
                xRead: { calls($0).xRead(real($0), $1, $2, $3) },
                xWrite: { DiskShim.write($0, $1!, $2, $3) },
                xTruncate: { DiskShim.truncate($0, $1) },
                xSync: { file, flags in
                    let result = calls(file).xSync(real(file), flags)
                    guard result == SQLITE_OK, let watched = watched(file) else { return result }
                    return watched.disk.synced(watched.path) ?? SQLITE_OK
                },
                xFileSize: { calls($0).xFileSize(real($0), $1) },
                xLock: { calls($0).xLock(real($0), $1) },
                xUnlock: { calls($0).xUnlock(real($0), $1) },
                xCheckReservedLock: { calls($0).xCheckReservedLock(real($0), $1) },
                xFileControl: { calls($0).xFileControl(real($0), $1, $2) },
                xSectorSize: { calls($0).xSectorSize(real($0)) },
                xDeviceCharacteristics: { calls($0).xDeviceCharacteristics(real($0)) },
                xShmMap: { calls($0).xShmMap(real($0), $1, $2, $3, $4) },
                xShmLock: { calls($0).xShmLock(real($0), $1, $2, $3) },
                xShmBarrier: { calls($0).xShmBarrier(real($0)) },
                xShmUnmap: { calls($0).xShmUnmap(real($0), $1) }, xFetch: nil, xUnfetch: nil))
        return methods
    }()

    private static func write(
        _ file: UnsafeMutablePointer<sqlite3_file>?, _ bytes: UnsafeRawPointer, _ count: Int32,
        _ offset: Int64
    ) -> Int32 {
        if let watched = watched(file) {
            let size = size(file)
            let new = Array(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            let failure = watched.disk.willWrite(
                watched.path, at: Int(offset), new, sizeBefore: size,
                before: content(file, from: Int(offset), to: min(size, Int(offset) + new.count)))
            if let failure { return failure }
        }
        return calls(file).xWrite(real(file), bytes, count, offset)
    }

    private static func truncate(
        _ file: UnsafeMutablePointer<sqlite3_file>?, _ length: Int64
    ) -> Int32 {
        if let watched = watched(file) {
            let size = size(file)
            let failure = watched.disk.willWrite(
                watched.path, at: Int(length), nil, sizeBefore: size,
                before: content(file, from: Int(length), to: size))
            if failure != nil { return SQLITE_IOERR }
        }
        return calls(file).xTruncate(real(file), length)
    }

    private static func size(_ file: UnsafeMutablePointer<sqlite3_file>?) -> Int {
        var size: Int64 = 0
        _ = calls(file).xFileSize(real(file), &size)
        return Int(size)
    }

    private static func content(
        _ file: UnsafeMutablePointer<sqlite3_file>?, from start: Int, to end: Int
    ) -> [UInt8] {
        guard start < end else { return [] }
        var bytes = [UInt8](repeating: 0, count: end - start)
        _ = calls(file).xRead(real(file), &bytes, Int32(bytes.count), Int64(start))
        return bytes
    }
}
