import FoundationEssentials
import Glibc
import ParleyVault

/// Opens a backup and reads it from its beginning to its end.
///
/// Nothing that is read may be believed before `finish` has seen the end.
package final class BackupReader {
    package let path: String
    private let descriptor: Int32
    private let header: [UInt8]
    private let fileBytes: Int
    private var seal: SealedReader?
    /// Opened, not yet handed out.
    private var plain: ArraySlice<UInt8> = []
    /// Of the file, not yet opened.
    private var left: Int

    /// Looks whether the file is a backup.
    ///
    /// - Throws: `refused` where it isn't, or one that this version can't read.
    package init(_ path: String) throws(NodeError) {
        self.path = path
        descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw NodeError(
                .refused,
                "cannot read \(path): \(String(cString: strerror(errno))). Check its path and whose it is."
            )
        }
        do {
            fileBytes = Int(lseek(descriptor, 0, SEEK_END))
            lseek(descriptor, 0, SEEK_SET)
            let beginning = BackupReader.read(descriptor, SealedHeader.fixedByteCount)
            let count = try SealedHeader.byteCount(of: beginning, kind: .backup)
            header = beginning + BackupReader.read(descriptor, count - beginning.count)
            _ = try SealedHeader(header, kind: .backup)
            left = fileBytes - count
        } catch {
            close(descriptor)
            throw NodeError(restoringFrom: path, error)
        }
    }

    deinit { close(descriptor) }

    /// Makes the key and reads what the backup says of itself.
    ///
    /// - Throws: `refused`, `integrity`.
    func open(with passphrase: Passphrase) throws(NodeError) -> BackupManifest {
        do {
            seal = try SealedReader(.backup, header: header, passphrase: passphrase)
        } catch {
            throw NodeError(restoringFrom: path, error)
        }
        let length = try read(4).reduce(0) { $0 << 8 | Int($1) }
        guard length <= BackupManifest.byteLimit,
            let manifest = BackupManifest(json: try read(length), fileBytes: fileBytes)
        else { throw NodeError(restoringFrom: path, SealError.altered) }
        return manifest
    }

    /// - Throws: `integrity` where a byte was altered or the file ends before.
    func read(_ count: Int) throws(NodeError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count { bytes += try readSome(atMost: count - bytes.count) }
        return bytes
    }

    /// The next bytes, at least one.
    func readSome(atMost count: Int) throws(NodeError) -> ArraySlice<UInt8> {
        if plain.isEmpty {
            guard left > 0 else { throw NodeError(restoringFrom: path, SealError.cut) }
            plain = try openChunk()[...]
        }
        defer { plain = plain.dropFirst(count) }
        return plain.prefix(count)
    }

    /// - Throws: `integrity` unless everything has been read and nothing follows.
    func finish() throws(NodeError) {
        guard plain.isEmpty, left == 0 else {
            throw NodeError(restoringFrom: path, SealError.altered)
        }
    }

    private func openChunk() throws(NodeError) -> [UInt8] {
        guard seal != nil else { preconditionFailure("a backup is opened before it is read") }
        let chunk = BackupReader.read(descriptor, min(left, SealedReader.chunkByteCount))
        guard !chunk.isEmpty else { throw NodeError(restoringFrom: path, SealError.cut) }
        left -= chunk.count
        do {
            return try seal?.open(chunk, isLast: left == 0) ?? []
        } catch {
            throw NodeError(restoringFrom: path, error)
        }
    }

    /// - Returns: fewer bytes at the end of the file, or where it can't be read.
    private static func read(_ descriptor: Int32, _ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + filled, count - filled)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            filled += got
        }
        return Array(bytes[..<filled])
    }
}
