import Glibc

/// The ready line and help go to standard output, everything else to standard error.
enum Console {
    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    static func error(_ message: String) { write("error: \(message)\n", to: STDERR_FILENO) }

    /// Unbuffered: whoever started this program waits for the ready line on a pipe.
    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
