import FoundationEssentials
import Glibc
import ParleyCRDT
package import ParleyLog
import ParleyModel
import ParleyStore
import ParleyVault

/// The folder in which one node lives: its key, its name, its casebooks and its control socket.
///
/// 0700, owned by whoever runs the node, never a symbolic link: it holds names of detained people.
package struct Home: Sendable {
    package let path: String

    /// - Parameter path: a slash at its end goes: with it the system would follow a symbolic link.
    package init(path: String) {
        let bare = String(path.reversed().drop { $0 == "/" }.reversed())
        self.path = bare.isEmpty ? "/" : bare
    }

    /// `--home`, else `PARLEY_HOME`, else the XDG data folder.
    package static func locate(option: String?, environment: [String: String]) -> Home {
        if let option { return Home(path: absolute(option)) }
        if let home = environment["PARLEY_HOME"], !home.isEmpty {
            return Home(path: absolute(home))
        }
        if let data = environment["XDG_DATA_HOME"], !data.isEmpty {
            return Home(path: data + "/parley")
        }
        return Home(path: (environment["HOME"] ?? "/") + "/.local/share/parley")
    }

    package var controlPath: String { path + "/control.sock" }
    package var casebooksPath: String { path + "/casebooks" }
    var keyPath: String { path + "/node.key" }
    var namePath: String { path + "/node.json" }
    /// What the folder of copies begins with, see `CasebookCopies`.
    static let copyPrefix = "copy-"
    /// See `LastRecord`.
    var lastPath: String { path + "/last" }
    /// See `ShownConflicts`.
    var shownPath: String { path + "/shown" }

    package var exists: Bool { FileManager.default.fileExists(atPath: keyPath) }

    /// Makes a node: draws its key and notes its name.
    ///
    /// - Returns: the node's ID in its text form.
    /// - Throws: `refused` where a node lives here already or the folder can't be made.
    package func create(name: String) throws(NodeError) -> String {
        if isThere { try checkAccess() }
        if !exists { try checkIsNoRemainder() }
        guard !exists, !isBeingRestored else {
            throw NodeError(
                .refused,
                "cannot make a node in \(path): one lives there already. Choose another folder with --home, or type `parley status`."
            )
        }
        guard Home.isName(name) else {
            throw NodeError(
                .refused,
                "cannot use that name: a name has 1 to 64 characters, without line breaks and other control characters. Type `parley init --name NAME`."
            )
        }
        do {
            try makeFolder()
            try makeCasebooksFolder()
            let identity = Identity.generate()
            try write(Home.settings(name: name), to: namePath)
            try write(identity.privateKey, to: keyPath)
            return identity.node.text
        } catch {
            throw NodeError(
                .refused,
                "cannot make a node in \(path): the folder can't be written. Check that it is yours and that the disk has room."
            )
        }
    }

    /// Makes the folder, private from the first moment on, and those above it as usual.
    ///
    /// - Throws: `notPermitted` where one is there that others could have prepared or could read.
    func makeFolder() throws(NodeError) {
        let parent = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        if !parent.isEmpty {
            do {
                try FileManager.default.createDirectory(
                    atPath: String(parent), withIntermediateDirectories: true)
            } catch {
                throw unwritable
            }
        }
        // `FileManager` would make it as the umask has it, and close it to others only then.
        if mkdir(path, 0o700) == 0 { return }
        guard errno == EEXIST else { throw unwritable }
        try checkAccess()
    }

    func makeCasebooksFolder() throws(NodeError) {
        guard mkdir(casebooksPath, 0o700) == 0 || errno == EEXIST else { throw unwritable }
    }

    /// What is in `node.json`.
    static func settings(name: String) -> [UInt8] {
        Array(JSONText.object([("name", .string(name))]).utf8)
    }

    /// Refuses a folder in which no node lives, or one that others could have prepared or read.
    ///
    /// - Throws: `refused`, `notPermitted`.
    package func check() throws(NodeError) {
        guard exists || isBeingRestored else {
            // Who can't look into it can't tell.
            if isThere, access(path, X_OK) != 0 { try checkAccess() }
            try checkIsNoRemainder()
            throw NodeError(
                .refused,
                "no node in \(path). Type `parley init --name NAME` to make one, or point --home at its folder."
            )
        }
        try checkAccess()
    }

    /// Refuses a folder with casebooks and no key: another key could never open them.
    private func checkIsNoRemainder() throws(NodeError) {
        guard !casebookPaths().isEmpty else { return }
        throw NodeError(
            .integrity,
            "\(path) holds casebooks and no node.key, without which nothing can be written to them. Put the key back where it came from, or type `parley restore FILE --force` with a backup of this node."
        )
    }

    /// The node's key where it can be used as it is, else only whose it is.
    ///
    /// - Throws: `refused` where no node lives here, `notPermitted` where others could read it,
    ///   `integrity`.
    package func identity() throws(NodeError) -> Identity {
        try check()
        switch try key() {
        case .plain(let identity): return identity
        case .protected(let node, _): return Identity(locked: node)
        }
    }

    /// The node without its key.
    func publicIdentity() throws(NodeError) -> Identity { Identity(locked: try nodeID()) }

    func nodeID() throws(NodeError) -> NodeID { try key().node }

    func key() throws(NodeError) -> KeyFile {
        do {
            return try KeyFile(try keyFile())
        } catch SealError.version(let version) {
            throw NodeError(
                .integrity,
                "cannot read the node's key in \(path): it is protected in format \(version), and this Parley knows format 1. Upgrade Parley."
            )
        } catch {
            throw NodeError(
                .integrity,
                "cannot read the node's key in \(path): node.key is damaged. Restore the node from a backup: `parley restore FILE`."
            )
        }
    }

    /// The bytes of the key file.
    func keyFile() throws(NodeError) -> [UInt8] {
        guard let bytes = FileManager.default.contents(atPath: keyPath) else {
            throw NodeError(
                .integrity,
                "cannot read the node's key in \(path): node.key can't be opened. Check whose it is, or restore the node from a backup: `parley restore FILE`."
            )
        }
        return Array(bytes)
    }

    /// The name its owner gave the node.
    package func name() -> String {
        guard let data = FileManager.default.contents(atPath: namePath),
            let fields = try? JSONDecoder().decode([String: String].self, from: data)
        else { return "unnamed" }
        return fields["name"] ?? "unnamed"
    }

    /// The casebook files, by name; those that somebody gave another name than a node does come
    /// last, because they are copies more often than not.
    package func casebookPaths() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: casebooksPath)) ?? []
        let files = names.filter { $0.hasSuffix(".sqlite") }.sorted()
        return (files.filter(Home.isCasebookName) + files.filter { !Home.isCasebookName($0) })
            .map { casebooksPath + "/" + $0 }
    }

    /// Whether a file is called as `newCasebookPath` calls it.
    private static func isCasebookName(_ file: String) -> Bool {
        let stem = file.dropLast(".sqlite".count)
        return stem.count == 16 && stem.allSatisfy { $0.isHexDigit && !$0.isUppercase }
    }

    /// Removes what is left of casebooks whose making was cut off, and of copies. No other process
    /// may be making one: the caller holds the home's lock.
    func removeUnfinished() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        where name.hasPrefix(Home.copyPrefix) {
            try? FileManager.default.removeItem(atPath: path + "/" + name)
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: casebooksPath)) ?? []
        for name in names where name.contains(".sqlite" + CasebookStore.unfinishedSuffix) {
            try? FileManager.default.removeItem(atPath: casebooksPath + "/" + name)
        }
    }

    /// Where a new casebook goes. The name says nothing: folders are looked at by strangers.
    func newCasebookPath() -> String {
        let name = Hexadecimal.text(of: (0..<8).map { _ in UInt8.random(in: .min ... .max) })
        return casebooksPath + "/" + name + ".sqlite"
    }

    /// Removes a casebook file of which nothing was received.
    func removeCasebook(_ path: String) {
        let stem = path.dropLast(".sqlite".count)
        for file in [
            path, path + "-wal", path + "-shm", path + ".generation", stem + ".generation",
        ] {
            try? FileManager.default.removeItem(atPath: file)
        }
    }

    /// Whether a node, a casebook or a person may be called so. Names are shown on other people's
    /// terminals: none may hold what moves a cursor, breaks a line or turns its direction around.
    package static func isName(_ name: String) -> Bool {
        (1...64).contains(name.count) && name.utf8.count <= 200
            && name.unicodeScalars.allSatisfy { scalar in
                switch scalar.properties.generalCategory {
                case .control, .lineSeparator, .paragraphSeparator: false
                default: !scalar.properties.isBidiControl
                }
            }
    }

    /// Refuses a home that others could have prepared or could read.
    ///
    /// - Throws: `notPermitted`.
    package func checkAccess() throws(NodeError) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw NodeError(
                .notPermitted,
                "cannot use \(path): it is a symbolic link or no folder. Give the folder itself: `--home \"$(realpath \(path))\"`."
            )
        }
        guard status.st_uid == geteuid() else {
            throw NodeError(
                .notPermitted,
                "cannot use \(path): it belongs to user \(status.st_uid), and you are user \(geteuid()). Run as that user; or, if it should be yours, type `sudo chown -R \(geteuid()) \(path)`."
            )
        }
        guard status.st_mode & 0o077 == 0 else {
            throw NodeError(
                .notPermitted,
                "cannot use \(path): it is open to other users. Look whether somebody put something there, then type `chmod 700 \(path)`."
            )
        }
    }

    /// Writes a file of 0600 whole or not at all.
    private func write(_ bytes: [UInt8], to path: String) throws(NodeError) {
        do {
            try PrivateFile.write(bytes, to: path, isDurable: true)
        } catch {
            throw unwritable
        }
    }

    private var unwritable: NodeError {
        NodeError(
            .refused,
            "cannot write in \(path). Check that it is yours and that the disk has room.")
    }

    /// Size of a file, 0 where there is none.
    static func byteCount(of path: String) -> Int {
        var status = stat()
        return lstat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
