import FoundationEssentials
import Glibc

/// Folders inside a home by which a node is restored; see `Restoration`.
///
/// `restoring` is being filled and means nothing yet. `restored-STAMP` is whole: everything else is
/// on its way to `before-restore-STAMP`. `placing-STAMP` is what is left of it to be put in place.
extension Home {
    private static let staging = "restoring"
    private static let whole = "restored-"
    private static let placing = "placing-"
    private static let aside = "before-restore-"

    /// Whether there is a folder, or anything else of its name.
    package var isThere: Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Whether nothing is there but what a restore that was cut off has left, and the lock.
    var isEmpty: Bool {
        names.allSatisfy { ["lock", Home.staging].contains($0) }
    }

    /// Whether a restored node only has to be moved to its place.
    var isBeingRestored: Bool {
        names.contains { $0.hasPrefix(Home.whole) || $0.hasPrefix(Home.placing) }
    }

    /// Folders with what was here before a restore.
    var setAside: [String] {
        names.filter { $0.hasPrefix(Home.aside) }.map { "\(path)/\($0)" }
    }

    private var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    /// Makes the folder in which a node is put together, as a home of its own.
    func makeStaging() throws -> Home {
        removeStaging()
        let staged = Home(path: "\(path)/\(Home.staging)")
        try staged.makeFolder()
        try staged.makeCasebooksFolder()
        return staged
    }

    func removeStaging() {
        try? FileManager.default.removeItem(atPath: "\(path)/\(Home.staging)")
    }

    /// Makes what was staged the node that lives here.
    ///
    /// - Parameter stamp: of the folder into which everything else goes.
    /// - Returns: that folder; `nil` where there was nothing.
    /// - Precondition: the caller holds the home's lock; what was staged is on the disk.
    func adoptRestored(stamp: String) throws(NodeError) -> String? {
        let wasEmpty = isEmpty
        try move("\(path)/\(Home.staging)", to: "\(path)/\(Home.whole)\(stamp)")
        try synchronise()
        try finishRestoring()
        return wasEmpty ? nil : "\(path)/\(Home.aside)\(stamp)"
    }

    /// Finishes or undoes what a restore that was cut off has left.
    ///
    /// - Precondition: the caller holds the home's lock.
    func finishRestoring() throws(NodeError) {
        removeStaging()
        for name in names where name.hasPrefix(Home.whole) {
            let stamp = name.dropFirst(Home.whole.count)
            try moveAside(except: name, stamp: stamp)
            try move("\(path)/\(name)", to: "\(path)/\(Home.placing)\(stamp)")
            try synchronise()
        }
        for name in names where name.hasPrefix(Home.placing) {
            let placed = Home(path: "\(path)/\(name)")
            for entry in placed.names {
                try move("\(placed.path)/\(entry)", to: "\(path)/\(entry)")
            }
            rmdir(placed.path)
            try synchronise()
        }
    }

    private func moveAside(except whole: String, stamp: Substring) throws(NodeError) {
        let folder = "\(path)/\(Home.aside)\(stamp)"
        let old = names.filter {
            $0 != whole && $0 != "lock" && !$0.hasPrefix(Home.aside)
        }
        guard !old.isEmpty else { return }
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw unfinished }
        for name in old { try move("\(path)/\(name)", to: "\(folder)/\(name)") }
        try Home(path: folder).synchronise()
        try synchronise()
    }

    private func move(_ old: String, to new: String) throws(NodeError) {
        guard rename(old, new) == 0 else { throw unfinished }
    }

    private func synchronise() throws(NodeError) {
        do {
            try PrivateFile.synchroniseFolder(of: path + "/lock")
        } catch {
            throw unfinished
        }
    }

    private var unfinished: NodeError {
        NodeError(
            .refused,
            "cannot move the restored node to its place in \(path): the system reports \(String(cString: strerror(errno))). Mend that, then type `parley status`, which goes on with it; nothing is lost."
        )
    }
}
