import FoundationEssentials
import Glibc
import ParleyCRDT
import ParleyCasework
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyStore
package import ParleyVault

/// Puts a node back from its backup: all of it, or nothing.
///
/// Everything is written and checked in a folder inside the home first. Giving that folder its final
/// name is the moment from which the restored node is the one that lives here; what remains, moving
/// things to their places, is finished by whoever opens the home next, should this process end
/// before. What was there is moved aside and never removed.
package struct Restoration {
    /// What a person is told.
    package struct Outcome: Codable, Sendable {
        package let node: String
        package let name: String
        package let home: String
        package let made: String
        package let casebooks: [BackupManifest.Casebook]
        /// Where what was there before lies now; `nil` where there was nothing.
        package let movedAside: String?
        /// Whether the key has a passphrase of its own, without which nothing can be written.
        package let isKeyProtected: Bool
    }

    let home: Home
    let environment: NodeEnvironment
    private let isForced: Bool
    private let wasThere: Bool

    /// Looks whether a node may be restored there.
    ///
    /// - Parameter forced: whether what is there may be moved aside.
    /// - Throws: `refused`, `notPermitted`.
    package init(
        to home: Home, forced: Bool, environment: NodeEnvironment = .system
    ) throws(NodeError) {
        self.home = home
        self.environment = environment
        isForced = forced
        wasThere = home.isThere
        if wasThere { try home.checkAccess() }
        try checkIsFree()
    }

    /// - Throws: `NodeError`; the home is as it was then.
    package func run(
        _ backup: BackupReader, passphrase: Passphrase
    ) async throws(NodeError) -> Outcome {
        if !wasThere { try home.makeFolder() }
        let lock = try Node.lock(home, waiting: .seconds(5))
        defer { lock.release() }
        do {
            try home.finishRestoring()
            try checkIsFree()
            let manifest = try backup.open(with: passphrase)
            try checkOwner(manifest)
            let casebooks = try await stage(backup, manifest)
            let now = Timestamp(milliseconds: environment.store.wallMilliseconds())
            let stamp = now.text.replacing(":", with: "-")
            let aside = try home.adoptRestored(stamp: stamp)
            return Outcome(
                node: manifest.node, name: manifest.name, home: home.path, made: manifest.made,
                casebooks: casebooks, movedAside: aside,
                isKeyProtected: try home.key().isProtected)
        } catch {
            discard()
            throw (error as? NodeError) ?? NodeError(error, doing: "restore")
        }
    }

    /// Removes what was begun. Once the restored node has been adopted there is nothing to remove.
    private func discard() {
        home.removeStaging()
        guard !wasThere, home.isEmpty else { return }
        unlink(home.path + "/lock")
        rmdir(home.path)
    }

    private func checkIsFree() throws(NodeError) {
        guard !isForced, !home.isEmpty else { return }
        throw NodeError(
            .refused,
            "cannot restore into \(home.path): something is there already. Choose an empty folder with --home, or add --force to move what is there aside."
        )
    }

    /// One home never changes from one node to another unnoticed.
    private func checkOwner(_ manifest: BackupManifest) throws(NodeError) {
        guard home.exists, let present = try? home.nodeID(), present.text != manifest.node else {
            return
        }
        throw NodeError(
            .refused,
            "cannot restore into \(home.path): node \(present.text.prefix(16)) lives there, and the backup is of node \(manifest.node.prefix(16)). Choose another folder with --home; nothing was changed."
        )
    }

    /// Writes everything into the staging folder and looks at it as a node would.
    private func stage(
        _ backup: BackupReader, _ manifest: BackupManifest
    ) async throws -> [BackupManifest.Casebook] {
        let needed = manifest.casebooks.reduce(UInt64(0)) { $0 + UInt64($1.bytes) }
        let room = environment.freeSpace(home.path).bytes
        guard room > needed + FreeSpace.editReserve else {
            throw NodeError(
                .refused,
                "cannot restore into \(home.path): that takes \(needed >> 20) MiB and the disk has \(room >> 20) MiB left. Make room and try again; nothing was changed."
            )
        }
        let staged = try home.makeStaging()
        try PrivateFile.write(
            try backup.read(manifest.keyBytes), to: staged.keyPath, isDurable: true)
        guard try staged.nodeID().text == manifest.node else {
            throw NodeError(restoringFrom: backup.path, .altered)
        }
        try PrivateFile.write(
            Home.settings(name: manifest.name), to: staged.namePath, isDurable: true)
        var paths: [String] = []
        for casebook in manifest.casebooks {
            let path = staged.newCasebookPath()
            try copy(casebook.bytes, of: backup, to: path)
            paths.append(path)
        }
        try backup.finish()
        var casebooks: [BackupManifest.Casebook] = []
        for (path, casebook) in zip(paths, manifest.casebooks) {
            casebooks.append(try await check(casebook, at: path, of: staged, backup))
        }
        try PrivateFile.synchroniseFolder(of: staged.newCasebookPath())
        try PrivateFile.synchroniseFolder(of: staged.keyPath)
        return casebooks
    }

    private func copy(_ count: Int, of backup: BackupReader, to path: String) throws {
        let file = try NewFile(path)
        var left = count
        while left > 0 {
            let piece = try backup.readSome(atMost: left)
            try file.write(Array(piece))
            left -= piece.count
        }
        try file.finish(replacing: false)
    }

    /// Opens a casebook, which begins a new epoch: no `generation` file lies beside it.
    private func check(
        _ casebook: BackupManifest.Casebook, at path: String, of staged: Home,
        _ backup: BackupReader
    ) async throws -> BackupManifest.Casebook {
        do {
            let store = try CasebookStore.open(
                at: path, identity: try staged.publicIdentity(),
                environment: environment.store.indexing(Schema.casework.indexedFields))
            do {
                let found = try await contents(of: store, casebook)
                try await store.close()
                return found
            } catch {
                try? await store.close()
                throw error
            }
        } catch {
            throw NodeError(
                .integrity,
                "cannot restore from \(backup.path): its casebook \(casebook.casebook.prefix(8)) can't be opened here. Try with the newest Parley, or another backup; nothing was changed."
            )
        }
    }

    private func contents(
        of store: CasebookStore, _ casebook: BackupManifest.Casebook
    ) async throws -> BackupManifest.Casebook {
        guard try await store.damage(by: .pages).isEmpty,
            store.casebookID.bytes.hex == casebook.casebook
        else { throw StoreError.damaged("it isn't what the backup says") }
        return try await store.read { scope in
            let summary = try scope.summary()
            return BackupManifest.Casebook(
                casebook: casebook.casebook, name: summary.name, records: summary.recordCount,
                newest: try scope.newestChange(), bytes: casebook.bytes)
        }
    }
}
