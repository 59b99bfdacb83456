import Foundation
import Glibc
import NIOPosix
import ParleyControl
import Testing

/// Who gets at the socket, and what is done about what lies in its place.
@Suite(.timeLimit(.minutes(1)))
struct ControlAccessTests {
    let home: TestHome

    init() throws {
        home = try TestHome()
    }

    private func bind() async throws -> ControlServer {
        try await ControlServer.bind(
            path: home.socket, holding: home.lock(), group: MultiThreadedEventLoopGroup.singleton)
    }

    @Test
    func onlyTheOwnerMayOpenTheSocket() async throws {
        let mode = try await home.serve(echo) { path in
            var status = stat()
            try #require(lstat(path, &status) == 0)
            return status.st_mode
        }
        #expect(mode & S_IFMT == S_IFSOCK)
        #expect(mode & 0o777 == 0o600)
    }

    @Test
    func theSocketIsGoneAfterAnOrderlyStop() async throws {
        try await home.serve(echo) { _ in }
        #expect(throws: ControlError.noDaemon) { try ControlClient.connect(path: home.socket) }
        #expect(access(home.socket, F_OK) != 0)
    }

    /// A killed daemon leaves its socket; nobody answers there and the next daemon replaces it.
    @Test
    func aStaleSocketIsNoDaemonAndIsReplaced() async throws {
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: home.socket.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(dead, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        close(dead)
        #expect(throws: ControlError.noDaemon) { try ControlClient.connect(path: home.socket) }
        let answer = try await home.serve(echo) { path in
            try ControlClient.connect(path: path)
                .request(Envelope(casebook: "new", request: .status)).json
        }
        #expect(answer == "new")
    }

    @Test
    func whatIsNoSocketIsLeftAlone() async throws {
        try #require(FileManager.default.createFile(atPath: home.socket, contents: Data([1])))
        await #expect(throws: ControlError.nameTaken(home.socket)) { _ = try await bind() }
        #expect(FileManager.default.contents(atPath: home.socket) == Data([1]))
    }

    @Test
    func aSymbolicLinkInItsPlaceIsLeftAlone() async throws {
        try #require(symlink("/tmp/elsewhere.sock", home.socket) == 0)
        await #expect(throws: ControlError.nameTaken(home.socket)) { _ = try await bind() }
    }

    @Test
    func aFolderOpenToOthersIsRefused() async throws {
        chmod(home.path, 0o750)
        await #expect(throws: ControlError.folderNotPrivate(home.path)) { _ = try await bind() }
    }

    @Test
    func aLinkedFolderIsRefused() async throws {
        let link = home.path + "/link"
        try #require(symlink(home.path, link) == 0)
        await #expect(throws: ControlError.folderNotPrivate(link)) {
            _ = try await ControlServer.bind(
                path: link + "/control.sock", holding: home.lock(),
                group: MultiThreadedEventLoopGroup.singleton)
        }
    }

    @Test
    func aPathTooLongForASocketIsRefused() async throws {
        let folder = home.path + "/" + String(repeating: "long", count: 30)
        try #require(mkdir(folder, 0o700) == 0)
        let path = folder + "/control.sock"
        await #expect(throws: ControlError.pathTooLong(bytes: path.utf8.count)) {
            _ = try await ControlServer.bind(
                path: path, holding: home.lock(), group: MultiThreadedEventLoopGroup.singleton)
        }
    }

    /// Folder and socket are opened to everybody, so that only the question who it is remains.
    @Test(.enabled(if: geteuid() == 0, "SKIP: needs root to become another user"))
    func anotherUserIsHungUpOn() async throws {
        let folder = home.path
        let (status, answer) = try await home.serve(echo) { path in
            chmod(folder, 0o711)
            chmod(path, 0o666)
            let status = try askAsNobody(path)
            let owner = try ControlClient.connect(path: path)
            return (status, try owner.request(Envelope(casebook: "mine", request: .status)).json)
        }
        #expect(status == 0, "1: it was answered, 2: it could not connect at all")
        #expect(answer == "mine", "the owner is still served")
    }
}

/// Sends a request as user `nobody` from a process of its own; Perl, because it is on every Debian
/// and because changing user in this process would change it for all tests that run meanwhile.
private func askAsNobody(_ path: String) throws -> Int32 {
    let script = """
        use Socket; $SIG{PIPE} = 'IGNORE'; $) = 65534; $> = 65534;
        socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un($ARGV[0])) or exit 2;
        syswrite(S, pack('N', 31) . '{"request":{"listCasebooks":{}}}');
        exit(sysread(S, $answer, 100) ? 1 : 0);
        """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/perl")
    process.arguments = ["-e", script, path]
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}
