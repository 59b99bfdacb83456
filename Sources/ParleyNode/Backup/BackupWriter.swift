import FoundationEssentials
import Glibc
import ParleyCRDT
import ParleyModel
import ParleyStore
package import ParleyVault

/// Makes a backup of a home from copies of its casebooks.
package struct BackupWriter {
    /// What is read and sealed at a time.
    private static let pieceBytes = 1 << 20

    let home: Home
    let copies: CopiedCasebooks
    private let path: String

    /// - Parameter path: of the backup.
    package init(of home: Home, from copies: CopiedCasebooks, to path: String) {
        self.home = home
        self.copies = copies
        self.path = Home.absolute(path)
    }

    /// Writes the file, sealed and durable, under its name.
    ///
    /// Plain text goes from the copies inside the home through memory, nowhere else.
    ///
    /// - Parameter replacing: whether a file of that name may go.
    /// - Returns: what lies in it.
    /// - Throws: `refused`; there is no new file then, and an old one is as it was.
    package func write(
        sealedWith passphrase: Passphrase, replacing: Bool
    ) throws(NodeError) -> BackupManifest {
        do {
            let key = try home.keyFile()
            let manifest = try manifest(keyBytes: key.count)
            var seal = try SealedWriter(.backup, passphrase: passphrase)
            let file = try NewFile(path)
            try file.write(seal.header)
            try file.write(seal.append(try BackupWriter.encoded(manifest)))
            try file.write(seal.append(key))
            for (copy, casebook) in zip(copies.copies, manifest.casebooks) {
                try BackupWriter.read("\(home.path)/\(copy.path)", bytes: casebook.bytes) {
                    try file.write(seal.append($0))
                }
            }
            try file.write(seal.finish())
            try file.finish(replacing: replacing)
            return manifest
        } catch {
            throw NodeError(backingUpTo: path, error)
        }
    }

    private func manifest(keyBytes: Int) throws -> BackupManifest {
        BackupManifest(
            made: Timestamp(milliseconds: NodeEnvironment.system.store.wallMilliseconds()).text,
            node: try home.nodeID().text, name: home.name(), keyBytes: keyBytes,
            casebooks: copies.copies.map { copy in
                BackupManifest.Casebook(
                    casebook: copy.casebook, name: copy.name, records: copy.records,
                    newest: copy.newest,
                    bytes: Home.byteCount(of: "\(home.path)/\(copy.path)"))
            })
    }

    /// The manifest after its length.
    private static func encoded(_ manifest: BackupManifest) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = Array(try encoder.encode(manifest))
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: json.count >> $0) } + json
    }

    /// Hands over a file in pieces.
    ///
    /// - Throws: where it hasn't as many bytes as it had: the node has removed the copy.
    private static func read(
        _ path: String, bytes: Int, _ take: ([UInt8]) throws -> Void
    ) throws {
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw CopyGone() }
        defer { close(file) }
        var piece = [UInt8](repeating: 0, count: pieceBytes)
        var left = bytes
        while left > 0 {
            let count = Glibc.read(file, &piece, min(left, piece.count))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw CopyGone() }
            try take(Array(piece[..<count]))
            left -= count
        }
    }

    /// The copies went away: the daemon that made them was stopped.
    struct CopyGone: Error {}

    /// Refuses a name that is taken, before anybody has typed a passphrase for nothing.
    package static func checkName(_ path: String, replacing: Bool) throws(NodeError) {
        if !replacing, access(Home.absolute(path), F_OK) == 0 {
            throw NodeError(
                backingUpTo: Home.absolute(path), PrivateFile.Failure(number: EEXIST))
        }
    }
}
