import ParleyNode

/// What `backup` answers; `restore` of a backup answers with `Restoration.Outcome`.
struct BackupAnswer: Encodable {
    let file: String
    let made: String
    let casebooks: [BackupManifest.Casebook]
}

/// `backup` and `restore`: what lies in a backup, and what to do next.
enum BackupPage {
    static func text(_ written: BackupManifest, to file: String, on screen: Screen) -> String {
        """
        backed up to \(PrintableText.line(file))
        \(casebooks(written.casebooks, on: screen))
        keep the file and the passphrase apart: nobody can open it without, you included
        to restore it: parley restore \(ShellWord.quoted(path(file)))

        """
    }

    static func text(restored outcome: Restoration.Outcome, on screen: Screen) -> String {
        let aside = outcome.movedAside.map {
            """
            what was there before lies in \(PrintableText.line($0)), with all that has been erased \
            since: `parley doctor` says how to remove it

            """
        }
        let key =
            outcome.isKeyProtected
            ? "its key is protected: to write with it takes the key's own passphrase, as before\n"
            : ""
        return """
            node \(outcome.node.prefix(16)) of \(PrintableText.line(outcome.name)) is back in \
            \(PrintableText.line(outcome.home)), as it was on \(LocalTime.shown(outcome.made))
            \(casebooks(outcome.casebooks, on: screen))
            \(aside ?? "")\(key)next: start `parleyd`, then `parley sync` fetches what was written since

            """
    }

    private static func casebooks(
        _ casebooks: [BackupManifest.Casebook], on screen: Screen
    ) -> String {
        guard !casebooks.isEmpty else { return "no casebook\n" }
        var table = Table("casebook", "records", "newest change", right: ["records"])
        table.rows = casebooks.map { casebook in
            [
                "\(casebook.name)", "\(casebook.records)",
                "\(casebook.newest.map { LocalTime.shown($0) } ?? "none")",
            ]
        }
        return "\n" + table.text(on: screen)
    }

    /// A name that `restore` doesn't take for a record.
    private static func path(_ file: String) -> String {
        file.contains("/") || !file.allSatisfy(\.isHexDigit) ? file : "./\(file)"
    }
}
