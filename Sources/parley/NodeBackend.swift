import FoundationEssentials
import ParleyControl
import ParleyNode

/// Finds the node a command is about.
enum NodeBackend {
    /// The daemon of the home, or where none runs the home itself.
    static func open(home option: String?) async throws -> any Backend {
        let home = locate(option)
        if let daemon = try daemon(of: home) { return daemon }
        do {
            return OpenedHome(node: try await Node(home: home))
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

    private static func locate(_ option: String?) -> Home {
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
    let node: Node

    func perform(_ envelope: Envelope) async -> Response {
        await node.perform(envelope)
    }

    func perform(_ envelope: Envelope, receive: (String) -> Void) async -> Response {
        let response = await node.perform(envelope)
        if let json = response.json { receive(json) }
        return response
    }

    func sibling() -> any Backend { self }

    func stream(_ envelope: Envelope, receive: (Response) throws -> Void) async throws {
        try receive(await node.perform(envelope))
    }

    func close() async {
        await node.close()
    }
}
