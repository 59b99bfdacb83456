import ArgumentParser
import ParleyControl
import ParleyNode

/// `parley restore`: a deleted record, or a whole node from its backup.
struct Restore: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Bring a deleted record back, or a whole node from a backup.",
        discussion: """
            A record is named by digits 0-9 and a-f, or by @last; anything else is a backup's file \
            (write ./cafe for a file called cafe).

            A node is restored into an empty home, all of it or nothing. It is the same node, and \
            its casebooks go on in new logs, so that what was written since on the lost machine \
            still counts should it turn up.
            """)
    static let examples = [
        Example("with the reason", "parley restore 3f9a --because 'was no duplicate after all'"),
        Example(
            "a node on a new machine",
            "parley restore ./amal.backup --home ./new-home --passphrase-file passphrase.txt"),
    ]

    @Argument(
        help: ArgumentHelp(
            "The record, by any unique beginning of its ID, or @last; or a backup.",
            valueName: "record-or-file"))
    var what: String
    @Flag(help: "With a backup: move what is in the home aside first.") var force = false
    @OptionGroup var reason: ReasonOption
    @OptionGroup var options: NodeOptions

    private var isRecord: Bool {
        what.hasPrefix("@") || what.count <= 32 && what.allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    func validate() throws {
        if isRecord, force {
            throw ValidationError("--force is for a backup: write ./\(what) if that is its file")
        }
        if !isRecord, reason.because != nil || reason.becauseFrom != nil {
            throw ValidationError("a node is restored without a reason: leave --because away")
        }
    }

    func run() async throws {
        guard isRecord else { return try await restoreNode() }
        let request = Request.restore(record: what, because: try reason.text())
        try await Session.with(options) { session in
            try await session.show(request) { (written: WrittenRecord, screen) in
                WrittenPage.text("restored", written, on: screen)
            }
        }
    }

    private func restoreNode() async throws {
        do {
            let backup = try BackupReader(what)
            let restoration = try Restoration(
                to: NodeBackend.locate(options.home), forced: force)
            let outcome = try await restoration.run(
                backup, passphrase: try options.passphrase.source.passphrase(of: "the backup"))
            if options.json {
                Output.json(try outcome.json)
            } else {
                Output.write(BackupPage.text(restored: outcome, on: Surroundings.screen))
            }
        } catch let error as NodeError {
            throw CommandFailure(error)
        }
    }
}
