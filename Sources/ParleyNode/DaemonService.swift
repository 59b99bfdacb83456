import Glibc
package import Logging
import ParleyControl
import ParleyLog
import ParleyModel
import ParleyStore
import ParleyTransport
import ParleyWire

/// One node as a daemon: the home's lock, the control socket, the network.
///
/// Order matters on both ways: who can't have the home must not touch its socket, and the ready
/// line promises that both peers and commands will be served.
package struct DaemonService: Sendable {
    /// What the ready line says.
    package struct Ready: Sendable {
        package let listening: String
        package let control: String
        package let node: String

        package var json: String {
            JSONText.object([
                ("listening", .string(listening)), ("control", .string(control)),
                ("node", .string(node)),
            ])
        }
    }

    private let node: Node
    private let log: Logger
    private let server: ControlServer
    package let ready: Ready

    /// Lets the commands of this machine's people come before what peers ask for. For a process that does
    /// nothing else.
    package static func standBack() async { await Endpoint.standBack() }

    /// Takes the home, unlocks its key, listens, and puts the control socket in place.
    ///
    /// - Throws: `NodeError`: where another daemon has the home, its pid named, where the address
    ///   can't be bound, and whatever else stands in the way.
    package init(
        home: Home, listen: String, unlockedBy source: PassphraseSource = .terminal, log: Logger,
        environment: NodeEnvironment = .system
    ) async throws {
        guard let (host, port) = HostPort.split(listen) else {
            throw NodeError(
                .usage,
                "cannot listen on `\(listen)`: it must be HOST:PORT, for instance 0.0.0.0:7440.")
        }
        self.log = log
        try home.check()
        // A command ends soon; a daemon that answers doesn't.
        let isServed = (try? ControlClient.connect(path: home.controlPath)) != nil
        let lock = try Node.lock(home, waiting: isServed ? .zero : .seconds(5))
        let identity = try home.unlockedIdentity(by: source)
        node = Node(home: home, identity: identity, lock: lock, environment: environment) {
            // Nobody knows what the disk kept. A new process reads it back; going on would guess.
            let what =
                $0 == .replaced
                ? "a casebook's file was copied over" : "a commit failed with unknown outcome"
            log.critical("\(what), stopping")
            exit(NodeError.Kind.integrity.rawValue)
        }
        do {
            let address = try await node.goOnline(host: host, port: port, log: log)
            server = try await ControlServer.bind(
                path: home.controlPath, holding: lock)
            ready = Ready(
                listening: address, control: home.controlPath, node: identity.node.text)
        } catch {
            await node.close()
            throw NodeError(starting: home, listen: listen, error)
        }
    }

    /// Serves commands until cancelled, then closes sessions, casebooks and the home in order.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [node, log] in await node.run(log: log) }
            try? await server.run { [node] in await DaemonService.answer($0, of: node, to: $1) }
            group.cancelAll()
        }
        await node.close()
    }

    private static func answer(
        _ envelope: Envelope, of node: Node, to reply: ControlReply
    ) async {
        switch envelope.request {
        case .watch: await watch(envelope.casebook, on: node, to: reply)
        case .copyCasebooks: await lendCopies(of: node, to: reply)
        default: try? await reply.send(await node.perform(envelope))
        }
    }

    private static func watch(
        _ casebook: String?, on node: Node, to reply: ControlReply
    ) async {
        do {
            for await response in try await node.watch(casebook: casebook) {
                guard (try? await reply.send(response)) != nil else { return }
            }
        } catch {
            try? await reply.send(Response(NodeError(error, doing: "watch")))
        }
    }

    /// Keeps the copies until the command line goes away, which cancels this: however it ends, they
    /// don't outlive it.
    private static func lendCopies(of node: Node, to reply: ControlReply) async {
        do {
            let copies = try await node.copyCasebooks()
            defer { copies.remove() }
            try await reply.send(copies.response)
            for await _ in AsyncStream<Never>.makeStream().stream {}
        } catch let error as NodeError {
            try? await reply.send(Response(exitCode: error.kind.rawValue, error: error.message))
        } catch {}
    }
}
