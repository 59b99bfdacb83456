import Foundation
import Logging
import ParleyControl
import ParleyNode

/// A node on the network inside this process: real sockets, real TLS, a real store.
final class RunningNode: Sendable {
    let home: Home
    private let service: DaemonService
    private let task: Task<Void, Never>

    private init(home: Home, service: DaemonService) {
        self.home = home
        self.service = service
        task = Task { await service.run() }
    }

    /// - Parameter home: made when nothing is there.
    static func start(
        _ home: Home, name: String = "amal", listen: String = "127.0.0.1:0",
        environment: NodeEnvironment = .system, log: NotedLog = NotedLog()
    ) async throws -> RunningNode {
        if !home.exists { _ = try home.create(name: name) }
        let service = try await DaemonService(
            home: home, listen: listen, log: log.logger, environment: environment)
        return RunningNode(home: home, service: service)
    }

    var address: String { service.ready.listening }
    var nodeID: String { service.ready.node }

    func stop() async {
        task.cancel()
        await task.value
    }

    /// Asks over the control socket, as `parley` does.
    ///
    /// The client blocks, so it gets a thread of its own: the few threads that tasks share must
    /// stay free for the node that is to answer.
    func ask(_ request: Request, casebook: String? = nil) async throws -> Response {
        let path = home.controlPath
        let envelope = Envelope(casebook: casebook, request: request)
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Swift.Result<Response, any Error> {
                        try ControlClient.connect(path: path).request(envelope)
                    })
            }
        }
    }

    /// The answer's JSON.
    func json(_ request: Request, casebook: String? = nil) async throws -> JSONValue {
        let response = try await ask(request, casebook: casebook)
        return try JSONParser.parse(response.json ?? "null")
    }

    /// Invites `other` to a casebook of this node and lets it join.
    func admit(
        _ other: RunningNode, to casebook: String? = nil, role: String = "editor"
    ) async throws -> Response {
        let code = try await json(
            .invite(role: role, expiresSeconds: 60, address: nil), casebook: casebook)["code"]
        return try await other.ask(.join(code: code?.content ?? ""))
    }

    var digest: String? {
        get async throws {
            try await json(.status)["casebooks"]?.items.first?["digest"]?.content
        }
    }

    /// How many connections were refused for a reason.
    func refusals(_ reason: String) async throws -> String? {
        try await json(.status)["refused"]?[reason]?.number
    }
}

extension JSONValue {
    /// A number as it is written.
    var number: String? {
        if case .number(let text) = self { text } else { nil }
    }
}

/// Homes in a temporary folder that goes with the test.
final class Homes: Sendable {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(
            path: "parley-\(UInt32.random(in: .min ... .max))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    subscript(name: String) -> Home { Home(path: folder.appending(path: name).path) }
}
