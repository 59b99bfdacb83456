import Foundation
import ParleyControl
import ParleyTestSupport

/// A control socket whose answers a test makes up, for `parley` to talk to.
enum ScriptedDaemon {
    /// Answers one request; calling the last argument ends the daemon there and then.
    typealias Script =
        @Sendable (Envelope, ControlReply, @escaping @Sendable () -> Void) async -> Void

    /// What `parley` says to the answers of a script.
    static func parley(
        _ arguments: String..., at home: String,
        pieceBytes: Int = ControlServer.usualPieceBytes, _ script: @escaping Script
    ) async throws -> ChildProcess.Result {
        try await serve(at: home, pieceBytes: pieceBytes, script) {
            TestNode.run(arguments, home: home)
        }
    }

    /// Runs `body` on a thread of its own while the script answers what comes in.
    static func serve<Result: Sendable>(
        at home: String, pieceBytes: Int = ControlServer.usualPieceBytes,
        _ script: @escaping Script, while body: @escaping @Sendable () -> Result
    ) async throws -> Result {
        try FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        guard case .acquired(let lock) = try HomeLock.tryAcquire(home: home) else {
            throw NotReady(description: "\(home) is in use")
        }
        let server = try await ControlServer.bind(
            path: home + "/control.sock", holding: lock, pieceBytes: pieceBytes)
        let (ending, end) = AsyncStream.makeStream(of: Void.self)
        let serving = Task {
            try await server.run { await script($0, $1) { end.finish() } }
        }
        let stopping = Task {
            for await _ in ending {}
            serving.cancel()
        }
        let result = await onOwnThread(body)
        end.finish()
        await stopping.value
        try await serving.value
        return result
    }

    /// A program is waited for by blocking, which must not take one of the threads tasks share.
    private static func onOwnThread<Result: Sendable>(
        _ body: @escaping @Sendable () -> Result
    ) async -> Result {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}
