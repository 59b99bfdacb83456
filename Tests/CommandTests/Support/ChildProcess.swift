import Glibc

/// A program run as users run it, with its output kept in files so that no pipe can fill up.
final class ChildProcess {
    struct Result: Sendable {
        let exitCode: Int32
        let output: String
        let errors: String
    }

    let pid: pid_t
    private let files: [Int32]

    /// - Parameters:
    ///   - output: where its standard output goes; a file of its own by default.
    ///   - variables: its whole environment.
    init(
        _ program: String, _ arguments: [String], input: String = "", output: Int32? = nil,
        variables: [String: String], folder: String
    ) {
        let inputFile = ChildProcess.temporaryFile()
        ChildProcess.write(input, to: inputFile)
        files = [inputFile, output ?? ChildProcess.temporaryFile(), ChildProcess.temporaryFile()]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        for (number, file) in files.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, file, Int32(number))
        }
        posix_spawn_file_actions_addchdir_np(&actions, folder)
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        var environment = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        var child: pid_t = 0
        let failure = posix_spawn(&child, program, &actions, nil, &words, &environment)
        precondition(failure == 0, "cannot start \(program): error \(failure)")
        pid = child
        for word in words + environment { free(word) }
        posix_spawn_file_actions_destroy(&actions)
    }

    deinit {
        for file in files { close(file) }
    }

    /// Waits until it has ended; a signal counts as 128 and its number.
    func wait() -> Result {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        return Result(
            exitCode: signal == 0 ? (status >> 8) & 0xff : 128 + signal,
            output: ChildProcess.contents(of: files[1]),
            errors: ChildProcess.contents(of: files[2]))
    }

    func send(_ signal: Int32) {
        kill(pid, signal)
    }

    /// Private to this process and gone when it is closed.
    private static func temporaryFile() -> Int32 {
        let file = memfd_create("output", UInt32(MFD_CLOEXEC))
        precondition(file >= 0, "cannot make a temporary file")
        return file
    }

    private static func write(_ text: String, to file: Int32) {
        let bytes = Array(text.utf8)
        precondition(Glibc.write(file, bytes, bytes.count) == bytes.count)
        lseek(file, 0, SEEK_SET)
    }

    private static func contents(of file: Int32) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var offset: off_t = 0
        while true {
            let count = pread(file, &chunk, chunk.count, offset)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
            offset += off_t(count)
        }
    }
}
