import Dispatch
package import Glibc
import NIOConcurrencyHelpers

/// A program run as users run it, with its output kept in files so that no pipe can fill up.
package final class ChildProcess {
    package struct Result: Sendable {
        package let exitCode: Int32
        package let output: String
        package let errors: String
    }

    package let pid: pid_t
    /// `nil` where somebody else reads the output.
    private let output: Int32?
    private let errors: Int32

    /// - Parameters:
    ///   - pipe: the writing end for its standard output, which is closed here once the child has
    ///     it; a file by default.
    ///   - terminal: takes the place of input, output and errors.
    ///   - variables: its whole environment.
    package init(
        _ program: String, _ arguments: [String], input: String = "", pipe: Int32? = nil,
        terminal: Terminal? = nil, variables: [String: String], folder: String
    ) {
        let inputFile = ChildProcess.temporaryFile()
        ChildProcess.write(input, to: inputFile)
        output = pipe == nil ? ChildProcess.temporaryFile() : nil
        errors = ChildProcess.temporaryFile()
        let files =
            terminal.map { [$0.child, $0.child, $0.child] }
            ?? [inputFile, pipe ?? output ?? inputFile, errors]
        let words = ["/bin/sh", "-c", #"cd "$0" && exec "$@""#, folder, program] + arguments
        pid = ChildProcess.spawning.withLock {
            ChildProcess.spawn(words, variables: variables, files: files)
        }
        close(inputFile)
        if let pipe { close(pipe) }
        terminal?.closeChildEnd()
    }

    deinit {
        if let output { close(output) }
        close(errors)
    }

    private static func spawn(
        _ words: [String], variables: [String: String], files: [Int32]
    ) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        for (number, file) in files.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, file, Int32(number))
        }
        var arguments = words.map { strdup($0) } + [nil]
        var environment = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        // POSIX_SPAWN_SETSID, which Glibc shows only with `_GNU_SOURCE`: a session of its own, so that
        // nothing asks on the terminal on which the tests run.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        posix_spawnattr_setflags(&attributes, 0x80)
        var child: pid_t = 0
        let failure = posix_spawn(
            &child, words[0], &actions, &attributes, &arguments, &environment)
        posix_spawnattr_destroy(&attributes)
        precondition(failure == 0, "cannot start \(words[0]): error \(failure)")
        for word in arguments + environment { free(word) }
        posix_spawn_file_actions_destroy(&actions)
        return child
    }

    /// A pipe whose ends no other child inherits.
    package static func pipe() -> (reading: Int32, writing: Int32) {
        spawning.withLock {
            var ends: [Int32] = [0, 0]
            precondition(Glibc.pipe(&ends) == 0, "cannot make a pipe")
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return (ends[0], ends[1])
        }
    }

    /// Held while something exists that a child started meanwhile would inherit.
    static let spawning = NIOLock()

    /// Waits until it has ended; a signal counts as 128 and its number.
    ///
    /// One that hasn't after five minutes is killed, so that its test fails instead of hanging.
    package func wait() -> Result {
        let watchdog = DispatchWorkItem { [pid] in kill(pid, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 300, execute: watchdog)
        defer { watchdog.cancel() }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        return Result(
            exitCode: signal == 0 ? (status >> 8) & 0xff : 128 + signal,
            output: output.map(ChildProcess.contents) ?? "",
            errors: ChildProcess.contents(of: errors))
    }

    /// What `ps` shows of it.
    package var commandLine: String { whatProcSays("cmdline") }

    /// The environment it was started with; root can read it also where others can't.
    package var environment: String { whatProcSays("environ") }

    private func whatProcSays(_ name: String) -> String {
        let file = open("/proc/\(pid)/\(name)", O_RDONLY)
        defer { close(file) }
        return ChildProcess.contents(of: file)
    }

    package func send(_ signal: Int32) {
        kill(pid, signal)
    }

    /// Whether a handler of its own waits for a signal: not any more, for one that is caught once.
    package func catches(_ signal: Int32) -> Bool {
        let file = open("/proc/\(pid)/status", O_RDONLY)
        defer { close(file) }
        let lines = ChildProcess.contents(of: file).split(separator: "\n")
        let caught = lines.first { $0.hasPrefix("SigCgt:") }.map {
            $0.drop { $0 != "\t" }.dropFirst()
        }
        return (UInt64(caught ?? "", radix: 16) ?? 0) & (1 << (signal - 1)) != 0
    }

    /// Private to this process and gone when it is closed.
    private static func temporaryFile() -> Int32 {
        spawning.withLock {
            var path = Array("/tmp/parley-output-XXXXXX".utf8CString)
            let file = mkstemp(&path)
            precondition(file >= 0, "cannot make a temporary file")
            unlink(path)
            _ = fcntl(file, F_SETFD, FD_CLOEXEC)
            return file
        }
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
