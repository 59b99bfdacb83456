import ArgumentParser
import Foundation
import Logging
import ParleyNode
import ServiceLifecycle
import UnixSignals

/// The command line of `parleyd`.
struct Daemon: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parleyd",
        abstract: "Run one Parley node: listen, dial, sync, and serve `parley`.",
        discussion: """
            Runs in the foreground until SIGTERM or SIGINT, then finishes what was asked and stops. \
            Once peers and commands are served it prints one line to standard output; its log goes \
            to standard error and holds no record contents.

            Exit codes: 0 stopped; 1 the home or the address can't be had; 2 usage; 6 the home \
            isn't private, or the passphrase is wrong; 7 the home is damaged.

            Examples:
              parleyd --listen 0.0.0.0:7440
              parleyd --home ./laptop --listen 127.0.0.1:0 --json
              parleyd --passphrase-file passphrase.txt
            """,
        version: "0.1.0")

    @Option(
        help: ArgumentHelp(
            "The node's folder; else $PARLEY_HOME, else parley in the XDG data folder.",
            valueName: "dir"))
    var home: String?

    @Option(
        help: ArgumentHelp(
            "Where to listen for peers; port 0 takes any free one.", valueName: "host:port"))
    var listen = "0.0.0.0:7440"

    @Flag(help: "Print the ready line as JSON: {\"listening\",\"control\",\"node\"}.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Where the node's key is protected: its passphrase, from a file that only you can read.",
            valueName: "file"))
    var passphraseFile: String?

    @Option(
        help: ArgumentHelp("The same, from an open file descriptor.", valueName: "number"))
    var passphraseFd: Int32?

    @Flag(help: "Log every connection, not only what needs attention.")
    var verbose = false

    func validate() throws {
        if passphraseFile != nil, passphraseFd != nil {
            throw ValidationError(
                "there is one passphrase: give --passphrase-file or --passphrase-fd")
        }
    }

    func serve() async throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var log = Logger(label: "parleyd")
        log.logLevel = verbose ? .debug : .notice
        let home = Home.locate(option: home, environment: ProcessInfo.processInfo.environment)
        let daemon = try await DaemonService(
            home: home, listen: listen,
            unlockedBy: .of(file: passphraseFile, descriptor: passphraseFd), log: log)
        await DaemonService.standBack()
        let service = AnnouncedService(daemon: daemon, line: readyLine(of: daemon.ready))
        let group = ServiceGroup(
            services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
        try await group.run()
    }

    private func readyLine(of ready: DaemonService.Ready) -> String {
        json
            ? ready.json
            : "ready: listening on \(ready.listening), control socket \(ready.control), "
                + "node \(ready.node.prefix(16))"
    }
}

/// The daemon as a service that says when it is ready.
private struct AnnouncedService: Service {
    let daemon: DaemonService
    let line: String

    /// By now signals are handled, so whoever waited for the line may send one.
    func run() async {
        Console.line(line)
        await cancelWhenGracefulShutdown { await daemon.run() }
    }
}
