import ParleyControl
import ParleyStore
import ParleyTransport

extension NodeError {
    /// Why a daemon can't start.
    init(starting home: Home, listen: String, _ error: any Error) {
        switch error {
        case let error as NodeError: self = error
        case let error as ListenError:
            self.init(
                .refused,
                "cannot listen on \(listen): \(error.reason). Choose another address with --listen, or stop what uses it."
            )
        case let error as ControlError:
            self.init(
                Kind(rawValue: error.exitCode) ?? .refused, error.explanation(home: home.path))
        default:
            self.init(
                .refused,
                "cannot start on \(home.path), and this version has no words for why: \(error). Check the folder and the disk; if both are well, report this line."
            )
        }
    }

    /// Why a casebook's file couldn't be opened.
    init(opening path: String, _ error: any Error) {
        let error = error as? StoreError
        let isFull = error == .full
        self.init(
            isFull ? .refused : .integrity,
            "cannot open the casebook in \(path): \(NodeError.opening(error))"
                + (isFull ? "" : "; nothing was changed."))
    }

    /// What stands in the way of opening a file, and what to do.
    private static func opening(_ error: StoreError?) -> String {
        switch error {
        case nil: "it can't be read. Keep a copy of the file and check the disk"
        case .full: "the disk is full. Make room and start again."
        case .newerFormat(let version):
            "a newer Parley wrote it, in format \(version). Upgrade this one"
        case .setting(let name, let expected, let found):
            "SQLite keeps `\(name)` at \(found) instead of \(expected), and durability rests on that. Install the SQLite that Parley was built with"
        case .damaged(let part):
            "it is damaged (\(part)). Keep a copy of the file and restore the folder from a backup"
        case .database(let code, let message):
            "SQLite reports \(message), code \(code). Keep a copy of the file and check its permissions and the disk"
        case .log:
            "its log can't be verified. Keep a copy of the file and restore the folder from a backup"
        default:
            "the store refuses to. Keep a copy of the file and look at the node's log"
        }
    }
}
