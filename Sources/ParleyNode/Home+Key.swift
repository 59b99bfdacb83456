import Glibc
import ParleyControl
package import ParleyLog
import ParleyModel
import ParleyVault

/// Using, protecting and unprotecting the node's key.
extension Home {
    /// The key, asked for where it is protected.
    ///
    /// - Throws: what `identity` throws; `notPermitted` where the passphrase is wrong.
    package func unlockedIdentity(
        by source: PassphraseSource
    ) throws(NodeError) -> Identity {
        let key = try key()
        if case .plain(let identity) = key { return identity }
        return try open(key, with: try source.passphrase(of: "the node's key"))
    }

    /// Seals the key file under a new passphrase. The plain one is overwritten.
    ///
    /// - Returns: the node's ID in its text form.
    /// - Throws: `refused` where it is protected already or a process has the home.
    package func protectKey(by source: PassphraseSource) throws(NodeError) -> String {
        try check()
        let lock = try Node.lock(self, waiting: .seconds(5))
        defer { lock.release() }
        guard case .plain(let identity) = try key() else {
            throw NodeError(
                .refused,
                "the node's key in \(path) is protected already. To change the passphrase, type `parley key unprotect`, then `parley key protect`."
            )
        }
        let passphrase = try source.newPassphrase(for: "the node's key")
        do {
            let key = try KeyFile(sealing: identity, with: passphrase)
            // Once the plain key is gone there is no second try.
            _ = try key.opened(with: passphrase)
            try replaceKey(with: key)
        } catch {
            throw NodeError(rewritingKeyIn: self, error)
        }
        return identity.node.text
    }

    /// Writes the key plainly again.
    ///
    /// - Returns: the node's ID in its text form.
    /// - Throws: `refused` where it isn't protected or a process has the home, `notPermitted` where
    ///   the passphrase is wrong.
    package func unprotectKey(by source: PassphraseSource) throws(NodeError) -> String {
        try check()
        let lock = try Node.lock(self, waiting: .seconds(5))
        defer { lock.release() }
        let key = try key()
        guard case .protected(let node, _) = key else {
            throw NodeError(
                .refused,
                "the node's key in \(path) isn't protected. `parley key protect` protects it.")
        }
        let identity = try open(key, with: try source.passphrase(of: "the node's key"))
        do {
            try replaceKey(with: .plain(identity))
        } catch {
            throw NodeError(rewritingKeyIn: self, error)
        }
        return node.text
    }

    private func open(_ key: KeyFile, with passphrase: Passphrase) throws(NodeError) -> Identity {
        do {
            return try key.opened(with: passphrase)
        } catch .passphrase {
            throw NodeError(
                .notPermitted,
                "cannot unlock the node's key in \(path): the passphrase is wrong, or node.key was altered. Type it again; if it is right, restore the node from a backup: `parley restore FILE`."
            )
        } catch .cost {
            throw NodeError(
                .refused,
                "cannot unlock the node's key in \(path): this machine lacks the 128 MiB of memory that takes. Close something and try again."
            )
        } catch {
            throw NodeError(
                .integrity,
                "cannot unlock the node's key in \(path): node.key was altered. Restore the node from a backup: `parley restore FILE`."
            )
        }
    }

    private var oldKeyPath: String { keyPath + ".old" }

    /// The new file has its place before the old one goes, so that there is always a key.
    private func replaceKey(with key: KeyFile) throws(PrivateFile.Failure) {
        removeOldKeys()
        guard link(keyPath, oldKeyPath) == 0 else { throw PrivateFile.Failure(number: errno) }
        do {
            try PrivateFile.write(key.bytes, to: keyPath, isDurable: true)
        } catch {
            // What has its name may lose it again with the power; the old one is the key then.
            if !error.isInPlace { removeOldKeys() }
            throw error
        }
        removeOldKeys()
    }

    /// Overwrites and removes key files that are no longer, or never became, the key.
    ///
    /// - Precondition: the caller holds the home's lock.
    func removeOldKeys() {
        for path in [oldKeyPath, keyPath + PrivateFile.unfinishedSuffix] {
            PrivateFile.wipe(path, unlessSameAs: keyPath)
        }
    }
}

extension NodeError {
    fileprivate init(rewritingKeyIn home: Home, _ error: any Error) {
        let failure = error as? PrivateFile.Failure
        let why = failure.map { String(cString: strerror($0.number)) }
        guard failure?.isInPlace != true else {
            self.init(
                .refused,
                "the node's key in \(home.path) is rewritten, but whether it stays so when the power fails isn't known: \(why ?? ""). Check the disk, and keep a backup elsewhere."
            )
            return
        }
        self.init(
            .refused,
            "cannot rewrite the node's key in \(home.path): \(why ?? "this machine lacks the 128 MiB of memory that takes"). The key is as it was; mend that and try again."
        )
    }
}
