import Glibc
import ParleyVault

extension NodeError {
    /// Why a backup couldn't be made.
    init(backingUpTo path: String, _ error: any Error) {
        let beginning = "cannot back up to \(path):"
        switch error {
        case let error as NodeError: self = error
        case let error as PrivateFile.Failure where error.number == EEXIST:
            self.init(
                .refused,
                "\(beginning) there is a file of that name. Choose another, or add --force to replace it."
            )
        case let error as PrivateFile.Failure where error.isInPlace:
            self.init(
                .refused,
                "the backup is in \(path), but whether it stays there when the power fails isn't known: \(String(cString: strerror(error.number))). Check the disk, and make another on a sound one."
            )
        case let error as PrivateFile.Failure:
            self.init(
                .refused,
                "\(beginning) \(String(cString: strerror(error.number))). Choose a folder that you can write and that has room; nothing was changed."
            )
        case is BackupWriter.CopyGone:
            self.init(
                .unreachable,
                "\(beginning) the daemon stopped meanwhile. Type the command again; nothing was changed."
            )
        case SealError.cost:
            self.init(
                .refused,
                "\(beginning) this machine lacks the 128 MiB of memory that making a key from a passphrase takes. Close something and try again."
            )
        default:
            self.init(
                .refused,
                "\(beginning) it could not be written. Check the disk; nothing was changed.")
        }
    }

    /// Why a backup couldn't be restored.
    init(restoringFrom path: String, _ error: SealError) {
        let beginning = "cannot restore from \(path):"
        switch error {
        case .foreign:
            self.init(
                .refused,
                "\(beginning) it is no backup of a Parley node. Give the file that `parley backup` wrote; nothing was changed."
            )
        case .version(let version):
            self.init(
                .refused,
                "\(beginning) it is a backup in format \(version), and this Parley knows format 1. Upgrade Parley; nothing was changed."
            )
        case .cost:
            self.init(
                .integrity,
                "\(beginning) making its key would take more memory than Parley ever asks for, or than this machine has. Use another copy or another machine; nothing was changed."
            )
        case .passphrase:
            self.init(
                .notPermitted,
                "\(beginning) the passphrase is wrong, or the beginning of the file was altered. Type the passphrase again; if it is right, use another copy. Nothing was changed."
            )
        case .cut:
            self.init(
                .integrity,
                "\(beginning) its end is missing. Copy it again from where it was made, or use another backup; nothing was changed."
            )
        case .altered:
            self.init(
                .integrity,
                "\(beginning) it isn't as it was written: a part was altered, cut off or added. Copy it again from where it was made, or use another backup; nothing was changed."
            )
        }
    }
}
