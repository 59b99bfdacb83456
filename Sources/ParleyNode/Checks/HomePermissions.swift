import FoundationEssentials
import Glibc

/// Whether a home and everything in it is its owner's alone.
struct HomePermissions {
    let home: Home

    /// One line where all is well, else one for each file.
    func results() -> [CheckResult] {
        let folders = [home.path, home.casebooksPath]
        let files = folders.flatMap { folder in
            (FileManager.default.files(in: folder)).map { folder + "/" + $0 }
        }.filter { $0 != home.casebooksPath }
        let wrong =
            folders.compactMap { result(for: $0, isFolder: true) }
            + files.compactMap { result(for: $0, isFolder: false) }
        guard wrong.isEmpty else { return wrong }
        return [
            .well(
                "permissions",
                "\(home.path) and the \(Amount.text(files.count, "file")) in it are yours alone")
        ]
    }

    /// Looks by path only: opening and closing a casebook's file would drop SQLite's lock on it.
    private func result(for path: String, isFolder: Bool) -> CheckResult? {
        var status = stat()
        // What went away meanwhile is nobody's risk.
        guard lstat(path, &status) == 0 else { return nil }
        let kind = status.st_mode & S_IFMT
        guard kind != S_IFLNK, !isFolder || kind == S_IFDIR else {
            return .wrong(
                "permissions", "\(path) is a symbolic link, which leads out of the home",
                next:
                    "see where it leads with `ls -l \(path)`, and put what belongs here in its place"
            )
        }
        guard status.st_uid == geteuid() else {
            return .wrong(
                "permissions", "\(path) belongs to another user",
                next: "`sudo chown \(geteuid()) \(path)`, once you know how that came about")
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = kind == S_IFDIR ? "700" : "600"
            return .wrong(
                "permissions", "other users of this machine can get at \(path)",
                next: "`chmod \(mode) \(path)`")
        }
        return nil
    }
}

extension FileManager {
    /// The names in a folder, sorted; none where it can't be read.
    func files(in folder: String) -> [String] {
        ((try? contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }
}
