import FoundationEssentials
import ParleyControl
import ParleyNode

/// Finds the node a command is about.
enum NodeBackend {
    /// The daemon of the home, or where none runs the home itself.
    static func open(_ options: NodeOptions) async throws -> any Backend {
        let home = locate(options.home)
        do {
            if home.isThere { try home.checkAccess() }
        } catch {
            throw CommandFailure(error)
        }
        if let daemon = try daemon(of: home) { return daemon }
        do {
            let node = try await Node(home: home)
            return OpenedHome(
                node: OpenNode(node, home: home, source: options.passphrase.source))
        } catch let error as NodeError {
            // A daemon that was just starting has the home by now, and its socket too.
            if let daemon = try daemon(of: home) { return daemon }
            throw CommandFailure(error)
        }
    }

    /// - Returns: `nil` where no daemon runs.
    private static func daemon(of home: Home) throws -> DaemonBackend? {
        do {
            let client = try ControlClient.connect(path: home.controlPath)
            return DaemonBackend(client: client, home: home.path)
        } catch .noDaemon {
            return nil
        } catch {
            throw CommandFailure(error, home: home.path)
        }
    }

    static func createHome(at option: String?, name: String) throws -> NodeAnswer {
        let home = locate(option)
        do {
            let node = try home.create(name: name)
            return NodeAnswer(node: node, name: name, home: home.path)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// For a home that can't be opened: the answer of `doctor` about its permissions, `nil` where
    /// they aren't the reason.
    static func obstacles(at option: String?) -> Response? {
        HomeCheckup(home: locate(option)).obstacles.map {
            Response(exitCode: Exit.refused, json: $0)
        }
    }

    static func homePath(_ option: String?) throws -> String {
        locate(option).path
    }

    static func locate(_ option: String?) -> Home {
        Home.locate(option: option, environment: ProcessInfo.processInfo.environment)
    }
}

extension CommandFailure {
    init(_ error: NodeError) {
        self.init(error.kind.rawValue, PrintableText.line(error.message))
    }
}

/// The home, opened by this process with the code the daemon uses.
private struct OpenedHome: Backend {
    let node: OpenNode

    func perform(_ envelope: Envelope) async -> Response {
        do {
            return try await node.able(to: envelope.request).perform(envelope)
        } catch let error as NodeError {
            return Response(exitCode: error.kind.rawValue, error: error.message)
        } catch {
            return Response(exitCode: Exit.refused, error: "cannot open the home: \(error).")
        }
    }

    func perform(_ envelope: Envelope, receive: (String) -> Void) async -> Response {
        let response = await perform(envelope)
        if let json = response.json { receive(json) }
        return response
    }

    func sibling() -> any Backend { self }

    func stream(_ envelope: Envelope, receive: (Response) throws -> Void) async throws {
        guard case .copyCasebooks = envelope.request else {
            return try receive(await perform(envelope))
        }
        let copies: CasebookCopies
        do {
            copies = try await node.able(to: envelope.request).copyCasebooks()
        } catch let error as NodeError {
            throw CommandFailure(error)
        }
        defer { copies.remove() }
        try receive(copies.response)
    }

    func close() async {
        await node.close()
    }
}

/// The node of a home that this process opened: without its key as long as only reading is asked
/// for, so that nobody has to type a passphrase to look something up.
private actor OpenNode {
    private let home: Home
    private let source: PassphraseSource
    private var opening: Task<Node, any Error>
    private var wasUnlocked = false

    init(_ node: Node, home: Home, source: PassphraseSource) {
        self.home = home
        self.source = source
        opening = Task { node }
    }

    /// The node, opened anew with its key the first time that is needed.
    func able(to request: Request) async throws -> Node {
        if request.needsKey, !wasUnlocked {
            wasUnlocked = true
            // Requests that come meanwhile wait for it too.
            opening = Task { [opening, home, source] in
                let node = try await opening.value
                guard node.isLocked else { return node }
                await node.close()
                return try await Node(home: home, unlockedBy: source)
            }
        }
        return try await opening.value
    }

    func close() async {
        await (try? opening.value)?.close()
    }
}
