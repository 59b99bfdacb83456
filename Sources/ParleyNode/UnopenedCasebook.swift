import Glibc
import ParleyStore

/// A casebook whose file couldn't be opened, and what helps.
///
/// What helps against one reason loses data where it is another: a sound file that only lacks room
/// must not give way to a backup.
struct UnopenedCasebook {
    enum Reason: Equatable {
        /// There was no room to bring in order what the last process left. Opened by itself later.
        case full
        /// This user may not read or write it.
        case forbidden
        case newerFormat(Int)
        case setting(String, expected: String, found: String)
        case damaged(String)
        /// Its log can't be verified.
        case unverified
        case database(code: Int32, message: String)
        case unknown
    }

    let path: String
    let reason: Reason

    /// - Parameter hasRoom: whether the disk has any; without it SQLite has many words for that.
    init(path: String, hasRoom: Bool, _ error: any Error) {
        self.path = path
        reason =
            switch error as? StoreError {
            case .full: .full
            case .newerFormat(let version): .newerFormat(version)
            case .setting(let name, let expected, let found):
                .setting(name, expected: expected, found: found)
            case .damaged(let part): .damaged(part)
            case .log: .unverified
            case .database where UnopenedCasebook.isForbidden(path): .forbidden
            case .database where !hasRoom: .full
            case .database(let code, let message): .database(code: code, message: message)
            default: .unknown
            }
    }

    private static func isForbidden(_ path: String) -> Bool {
        [(path, R_OK | W_OK), (folder(of: path), R_OK | W_OK | X_OK)].contains { path, mode in
            access(path, mode) != 0 && (errno == EACCES || errno == EROFS)
        }
    }

    private static func folder(of path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    private var folder: String { UnopenedCasebook.folder(of: path) }

    // MARK: Words

    /// What stands in the way and what helps, for `status` and for commands.
    var error: NodeError {
        NodeError(kind, "cannot open the casebook in \(path): \(explanation) Nothing was changed.")
    }

    private var kind: NodeError.Kind {
        switch reason {
        case .full: .refused
        case .forbidden: .notPermitted
        default: .integrity
        }
    }

    private var explanation: String {
        switch reason {
        case .full:
            "the disk is full. Make room, and nothing else: it is opened by itself then."
        case .forbidden:
            "user \(geteuid()) may not read and write it. `ls -l \(folder)` shows who may; once this user may, start the node again."
        case .newerFormat(let version):
            "a newer Parley wrote it, in format \(version). Upgrade this one."
        case .setting(let name, let expected, let found):
            "SQLite keeps `\(name)` at \(found) instead of \(expected), and durability rests on that. Install the SQLite that Parley was built with."
        case .damaged(let part):
            "it is damaged (\(part)). Keep a copy of the whole home; `parley doctor` says how to go on."
        case .unverified:
            "its log can't be verified. Keep a copy of the whole home; `parley doctor` says how to go on."
        case .database(let code, let message):
            "SQLite reports \(message), code \(code). Keep a copy of the whole home; `parley doctor` says how to go on."
        case .unknown:
            "the store refuses to. Keep a copy of the whole home, and look at the node's log."
        }
    }

    /// What to do, for `doctor` and `verify`.
    var advice: String {
        switch reason {
        case .full:
            "make room on the disk (`df -h \(folder)` shows it), and nothing else: the file is as it was, and the node opens it by itself then"
        case .forbidden:
            "`ls -l \(folder)` shows whose it is; give it to the user the node runs as, for instance with `sudo chown -R \(geteuid()) \(folder)`, and start the node again. The file stays where it is"
        case .newerFormat:
            "install the newer Parley and start it; the file stays where it is"
        case .setting:
            "install the SQLite that Parley was built with, and start the node again; the file stays where it is"
        case .damaged, .unverified: UnopenedCasebook.keeping + UnopenedCasebook.replacing
        case .database, .unknown: UnopenedCasebook.keeping + UnopenedCasebook.tryingAgain
        }
    }

    /// A file that can't be opened may hold what was typed here and never sent.
    private static let keeping =
        "stop the node and keep a copy of the whole home, which may hold what nobody else has; then look at the disk (`dmesg`, `smartctl -a`). "
    private static let replacing =
        "After that restore the last backup with `parley restore FILE --force`, which moves aside what is here; or move this casebook's file out of the folder, and take it anew from a colleague: `parley invite` there, `parley join` here"
    private static let tryingAgain =
        "After that start the node again: the file may be sound, so nothing is put in its place yet. If it still can't be opened, ask those who look after Parley for you, with this line"
}
