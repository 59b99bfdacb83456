import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import ParleyControl
import Testing

/// A folder of its own for each test, removed afterwards.
final class TestHome: Sendable {
    let path: String
    var socket: String { path + "/control.sock" }

    init() throws {
        var template = Array("/tmp/parley-control-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func lock() throws -> HomeLock {
        guard case .acquired(let lock) = try HomeLock.tryAcquire(home: path) else {
            throw POSIXError(.EWOULDBLOCK)
        }
        return lock
    }

    /// Runs `body` on a thread of its own while `handler` answers what it asks; then stops.
    func serve<Result: Sendable>(
        _ handler: @escaping ControlServer.Handler,
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        pieceBytes: Int = ControlServer.usualPieceBytes,
        while body: @escaping @Sendable (String) throws -> Result
    ) async throws -> Result {
        let server = try await ControlServer.bind(
            path: socket, holding: lock(), group: group, pieceBytes: pieceBytes)
        let socket = socket
        return try await withThrowingTaskGroup { group in
            group.addTask { try await server.run(handler) }
            defer { group.cancelAll() }
            // The client blocks its thread, which must not be one that the server needs.
            return try await NIOThreadPool.singleton.runIfActive { try body(socket) }
        }
    }
}

/// Repeats the casebook's name, so that a test sees its own request come back.
let echo: ControlServer.Handler = { envelope, reply in
    try? await reply.send(Response(json: envelope.casebook))
}

/// A socket that speaks no Parley, for what `ControlClient` would never send.
struct RawSocket {
    let descriptor: Int32

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
    }

    func send(length: UInt32, _ bytes: [UInt8] = []) {
        let header = withUnsafeBytes(of: length.bigEndian) { Array($0) }
        _ = (header + bytes).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    /// Everything up to the end.
    func readAll() -> [UInt8] {
        defer { Glibc.close(descriptor) }
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return all }
            all += chunk.prefix(count)
        }
    }

    /// The first answer's exit code and error.
    func refusal() throws -> Response {
        try JSONDecoder().decode(Response.self, from: Data(readAll().dropFirst(4)))
    }
}
