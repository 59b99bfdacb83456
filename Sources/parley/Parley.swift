import ArgumentParser

/// The tree of commands.
struct Parley: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        commandName: "parley",
        abstract: "Casework that several analysts keep together on machines mostly apart.",
        discussion: """
            Talks to the daemon of its home; where none runs, it opens the home itself, so that \
            everything but `join`, `sync` and `watch` works without one.

            Records and changes are named by any unique beginning of their ID, the record used \
            last by @last. The home is --home, else $PARLEY_HOME, else parley in the XDG data \
            folder. Where there are several casebooks, --casebook says which, else $PARLEY_CASEBOOK.

            Exit codes: 0 done; 1 refused or failed; 2 usage; 3 no such record, change, conflict, \
            peer or casebook; 4 done, but what it touched has open conflicts; 5 daemon or peer \
            unreachable; 6 not permitted; 7 integrity failure; 130 interrupted.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "Start",
                subcommands: [
                    Init.self, CasebookCommand.self, Invite.self, Uninvite.self, Join.self,
                ]),
            CommandGroup(
                name: "Records",
                subcommands: [
                    New.self, Edit.self, Show.self, List.self, Find.self, Log.self, Delete.self,
                    Restore.self, Erase.self, Redact.self, Import.self, Types.self,
                ]),
            CommandGroup(name: "Conflicts", subcommands: [ConflictCommand.self]),
            CommandGroup(
                name: "Team",
                subcommands: [Sync.self, Status.self, Watch.self, PeerCommand.self]),
            CommandGroup(
                name: "Safety",
                subcommands: [Doctor.self, Verify.self, Backup.self, KeyCommand.self]),
        ])

    static let examples = [
        Example("all about one command", "parley help edit"),
        Example("where things stand", "parley status"),
    ]
}
