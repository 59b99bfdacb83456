import ParleyCasework
import ParleyStore

extension NodeError {
    /// Puts what went wrong in a command into words. Nothing of a record's contents gets in.
    ///
    /// - Parameter deed: what was to be done, to follow "cannot".
    init(_ error: any Error, doing deed: String) {
        switch error {
        case let error as NodeError: self = error
        case let error as EntryError: self.init(.refused, "cannot \(deed): \(error.explanation)")
        case let error as StoreError: self.init(error, doing: deed)
        default:
            self.init(
                .refused, "cannot \(deed): the node failed. Look at its log, then try again.")
        }
    }

    /// What was asked for is written down, and only the answer can't be given: an error must not be
    /// read as the refusal of what counts.
    ///
    /// - Parameters:
    ///   - deed: what was done, as a sentence.
    ///   - command: what shows it later.
    init(having deed: String, butNotShown command: String, _ error: any Error) {
        self.init(
            NodeError(error, doing: "show it").kind,
            "\(deed), and that counts; what came of it can't be shown now. Type \(command) to see it, not the command again."
        )
    }

    private init(_ error: StoreError, doing deed: String) {
        switch error {
        case .full:
            self.init(
                .refused,
                "cannot \(deed): the disk is full, nothing was written. Make room and try again.")
        case .tooLarge:
            self.init(
                .refused,
                "cannot \(deed): it is larger than one change may be, 128 KiB. Split the longest text."
            )
        case .notPermitted:
            self.init(
                .notPermitted,
                "cannot \(deed): your role in this casebook doesn't allow it. Ask a coordinator; `parley casebook show` lists them."
            )
        case .damaged:
            self.init(
                .integrity,
                "cannot \(deed): the casebook's file is damaged. Keep a copy of the home; `parley verify` says what is wrong and what to do."
            )
        case .database(_, let message):
            self.init(
                .refused,
                "cannot \(deed): SQLite says \"\(message)\", nothing was written. Type `parley verify`: it says whether the casebook's file is sound, and what to do."
            )
        case .newerFormat, .setting:
            self.init(
                .integrity,
                "cannot \(deed): the casebook's file can't be trusted as it is. Keep a copy of it and look at the node's log."
            )
        case .stopped:
            self.init(
                .integrity,
                "cannot tell whether that was done: the disk failed while it was written down. See that the disk is sound, start again, and look with `parley log --limit 5` before typing it once more."
            )
        case .replaced:
            self.init(
                .integrity,
                "cannot \(deed): something was copied over the casebook's file while it was in use. Start the node again; `parley doctor` says what is left of what was there, and `parley sync` brings back what others have."
            )
        case .closed:
            self.init(
                .unreachable,
                "cannot \(deed): the node is stopping, nothing was written. Start it, then try again."
            )
        default:
            self.init(
                .refused,
                "cannot \(deed): the store refused it, nothing was written. Look at the node's log, then try again."
            )
        }
    }
}
