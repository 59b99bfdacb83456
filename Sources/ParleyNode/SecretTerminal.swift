import Glibc

/// A terminal on which something is typed that isn't shown.
struct SecretTerminal {
    private static let interrupt: UInt8 = 3
    private static let end: UInt8 = 4
    private static let lineLimit = 4_096

    private let descriptor: Int32

    /// Standard input where that is a terminal, else the one this process was started on.
    ///
    /// - Returns: `nil` where there is neither.
    init?() {
        if isatty(STDIN_FILENO) == 1 {
            descriptor = dup(STDIN_FILENO)
        } else {
            descriptor = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
        }
        guard descriptor >= 0 else { return nil }
    }

    /// Asks one question after the other.
    ///
    /// The terminal sends no signals meanwhile: one that ended this process would leave a terminal
    /// that shows nothing any more.
    ///
    /// - Returns: what was typed, without line breaks; `nil` where somebody broke off.
    consuming func ask(_ questions: [String]) -> [[UInt8]]? {
        defer { close(descriptor) }
        var usual = termios()
        guard tcgetattr(descriptor, &usual) == 0 else { return nil }
        var silent = usual
        silent.c_lflag &= ~tcflag_t(ECHO | ISIG)
        // VEOL: who breaks off needn't press return.
        silent.c_cc.11 = SecretTerminal.interrupt
        guard tcsetattr(descriptor, TCSAFLUSH, &silent) == 0 else { return nil }
        defer { tcsetattr(descriptor, TCSADRAIN, &usual) }
        var answers: [[UInt8]] = []
        for question in questions {
            show(question)
            let answer = readLine()
            show("\n")
            guard let answer else { return nil }
            answers.append(answer)
        }
        return answers
    }

    private func readLine() -> [UInt8]? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < SecretTerminal.lineLimit {
            let count = read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count > 0, byte != SecretTerminal.end, byte != SecretTerminal.interrupt else {
                return nil
            }
            if byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        return line
    }

    private func show(_ text: String) {
        _ = write(descriptor, text, text.utf8.count)
    }
}
