import Glibc
import ParleyCRDT
import ParleyModel

/// A small file beside the store by which a store notices that it is a copy or went back in time.
///
/// It says which generation the store has, in which inode it lies, when that was made, and how far
/// its own log has come. A restored backup, a copied folder or a virtual machine set back disagrees
/// with it, and the log goes on in a new epoch. Written after each commit and never synced: it may
/// lag behind, which is harmless, and is never ahead of a durable commit.
final class GenerationFile: Sendable {
    /// Of the store's file as it was opened.
    private let birth: String
    private let path: String
    private let descriptor: Int32

    /// - Parameter store: path of the database file, which exists.
    init(besides store: String) throws {
        birth = FileBirth(path: store).text
        path = GenerationFile.path(for: store)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError.systemCall("open generation", errno) }
    }

    deinit {
        close(descriptor)
    }

    /// `NAME.generation` for `NAME.sqlite`.
    static func path(for store: String) -> String {
        let stem = store.hasSuffix(".sqlite") ? String(store.dropLast(".sqlite".count)) : store
        return stem + ".generation"
    }

    /// Whether the store is the one this file was last written for, and not an earlier state of it.
    func matches(_ draft: Draft) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        let found = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n")
        let expected = identity(of: draft)
        guard found.count == expected.count + 1, let head = UInt64(found[expected.count]) else {
            return false
        }
        return zip(found, expected).allSatisfy { $0 == $1 } && ownHead(draft) >= head
    }

    /// Notes where the store stands. Where there is no room for that it lags behind, which is harmless.
    ///
    /// - Throws: `database` with the number of any other error. It says that the disk has failed, and
    ///   may be the first to say so: when the journal of ext4 ends in the middle of a sync, that sync
    ///   succeeds without anything being durable.
    func note(_ draft: Draft) throws {
        let digits = String(ownHead(draft))
        let padded = String(repeating: "0", count: 20 - digits.count) + digits
        let text = (identity(of: draft) + [padded]).joined(separator: "\n") + "\n"
        let bytes = Array(text.utf8)
        guard pwrite(descriptor, bytes, bytes.count, 0) < 0 else { return }
        let number = errno
        guard [ENOSPC, EDQUOT].contains(number) else {
            throw StoreError.systemCall("write generation", number)
        }
    }

    /// Forgets everything, so that the next opening begins a new epoch: what the store holds may not
    /// be what is on the disk.
    func forget() {
        ftruncate(descriptor, 0)
    }

    /// All parts have a fixed width, so that a new text covers the old one.
    private func identity(of draft: Draft) -> [String] {
        [
            Hexadecimal.text(of: draft.casebook.generation), draft.casebook.origin.epochText, birth,
        ]
    }

    private func ownHead(_ draft: Draft) -> UInt64 {
        draft.lanes[draft.casebook.origin]?.held.sequence ?? 0
    }
}

/// What tells one file from another under the same path.
package struct FileBirth {
    package let text: String

    /// The inode and the time it was made, where the file system keeps one.
    package init(path: String) {
        // `statx` isn't in the C module that Swift imports, so it is looked up by name. Its result
        // has the inode at byte 32 and the birth time at byte 80.
        typealias Statx =
            @convention(c) (
                Int32, UnsafePointer<CChar>, Int32, UInt32, UnsafeMutableRawPointer
            ) -> Int32
        let wanted: UInt32 = 0x100 | 0x800
        var result = [UInt64](repeating: 0, count: 32)
        if let symbol = dlsym(nil, "statx") {
            let call = unsafeBitCast(symbol, to: Statx.self)
            _ = result.withUnsafeMutableBytes { bytes in
                call(AT_FDCWD, path, 0, wanted, bytes.baseAddress!)
            }
        }
        text = [result[4], result[10], result[11] & 0xffff_ffff].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined(separator: " ")
    }
}
