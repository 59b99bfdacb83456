import Glibc

/// Results go to standard output, everything else to standard error.
enum Output {
    static func write(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// A document on a line of its own.
    static func json(_ document: String) {
        json(piece: document)
        write("\n")
    }

    /// Part of a document; what a terminal might obey is escaped where there is one.
    static func json(piece: String) {
        write(isatty(STDOUT_FILENO) == 1 ? PrintableText.json(piece) : piece)
    }

    static func note(_ text: String) { write(text, to: STDERR_FILENO) }

    static func error(_ message: String) { note("error: \(message)\n") }

    /// A reader that went away (`parley list | head`) is no reason to complain.
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

/// What this process is attached to.
enum Surroundings {
    static var screen: Screen {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let isPlain = variable("NO_COLOR") != nil || variable("TERM") == "dumb"
        return Screen(columns: isTerminal ? columns : nil, hasColour: isTerminal && !isPlain)
    }

    /// Whether somebody is there to answer a question.
    static var canAsk: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    static var hasErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// A variable of the environment; empty counts as unset.
    static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    private static var columns: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
