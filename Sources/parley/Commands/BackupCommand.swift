import ArgumentParser
import ParleyControl
import ParleyNode

/// `parley backup`
struct Backup: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Write the whole node into one file, encrypted with a passphrase.",
        discussion: """
            Everything acknowledged before is in it: all casebooks, and the node's key. The daemon \
            may run, and go on. `parley restore FILE` makes it a node again.

            Without the passphrase nobody can open the file, you included.
            """)
    static let examples = [
        Example(
            "without being asked, for a script",
            "parley backup amal.backup --passphrase-file passphrase.txt")
    ]

    @Argument(help: "Where to; it must not be there yet.") var file: String
    @Flag(help: "Replace a file of that name.") var force = false
    @OptionGroup var options: NodeOptions

    func run() async throws {
        do {
            let home = NodeBackend.locate(options.home)
            try home.check()
            try BackupWriter.checkName(file, replacing: force)
            let passphrase = try options.passphrase.source.newPassphrase(for: "the backup")
            try await Session.with(options) { session in
                try await session.backend.stream(session.envelope(of: .copyCasebooks)) { response in
                    let copies: CopiedCasebooks = try response.checked().answer()
                    let written = try BackupWriter(of: home, from: copies, to: file).write(
                        sealedWith: passphrase, replacing: force)
                    try show(written)
                }
            }
        } catch let error as NodeError {
            throw CommandFailure(error)
        }
    }

    private func show(_ written: BackupManifest) throws {
        if options.json {
            Output.json(
                try BackupAnswer(file: file, made: written.made, casebooks: written.casebooks).json)
        } else {
            Output.write(BackupPage.text(written, to: file, on: Surroundings.screen))
        }
    }
}
