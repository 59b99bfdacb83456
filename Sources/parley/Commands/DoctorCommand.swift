import ArgumentParser
import ParleyControl

/// `parley doctor`
struct Doctor: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Look for what endangers records, people or the exchange, and say what to do.",
        discussion: """
            Looks at the home's permissions, disk, encryption and drafts, and for each casebook at \
            members, addresses, clocks, forks, what waits, what wasn't carried out and what exists \
            on this machine only. Changes nothing; works with the daemon running or stopped. Ends \
            with 1 where something needs you. `parley verify` checks the records themselves.
            """)
    static let examples = [
        Example("everything", "parley doctor"),
        Example("one casebook, for a script", "parley doctor --casebook sweida --json"),
    ]

    @OptionGroup var options: NodeOptions

    func run() async throws {
        do {
            try await Session.with(options) { try await $0.show(.doctor, page: CheckPage.text) }
        } catch let failure as CommandFailure where failure.exitCode == Exit.notPermitted {
            // A home that others can read isn't opened, which is the very thing to tell.
            guard let response = NodeBackend.obstacles(at: options.home) else { throw failure }
            if options.json {
                Output.json(response.json ?? "null")
            } else {
                Output.write(CheckPage.text(try response.answer(), on: Surroundings.screen))
            }
            throw ExitCode(response.exitCode)
        }
    }
}
