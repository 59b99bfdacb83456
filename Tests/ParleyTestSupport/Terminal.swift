import Glibc
import NIOConcurrencyHelpers

/// A terminal of 80 columns with a program on it: what is typed, and what it shows.
package final class Terminal {
    private let person: Int32
    package private(set) var child: Int32
    /// What was shown so far.
    private var bytes: [UInt8] = []

    package init() {
        (person, child) = ChildProcess.spawning.withLock {
            var (person, child): (Int32, Int32) = (-1, -1)
            var size = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
            precondition(openpty(&person, &child, nil, nil, &size) == 0, "cannot make a terminal")
            for end in [person, child] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return (person, child)
        }
    }

    deinit {
        close(person)
        closeChildEnd()
    }

    /// From then on only the program holds it, so that its end is the end of what is shown.
    func closeChildEnd() {
        guard child >= 0 else { return }
        close(child)
        child = -1
    }

    package func type(_ text: String) {
        precondition(write(person, text, text.utf8.count) == text.utf8.count)
    }

    /// All that is shown until the program ends, with plain line breaks.
    package func shown() -> String {
        while readSome() {}
        return String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "\n")
    }

    /// Types as an answer to something: what is typed before a question is thrown away.
    ///
    /// - Returns: whether the question came before the program ended.
    @discardableResult
    package func type(_ text: String, after question: String) -> Bool {
        let answered = bytes.count
        while !String(decoding: bytes[answered...], as: UTF8.self).contains(question) {
            guard readSome() else { return false }
        }
        type(text)
        return true
    }

    /// - Returns: `false` once the program has ended.
    private func readSome() -> Bool {
        var piece = [UInt8](repeating: 0, count: 4_096)
        let count = read(person, &piece, piece.count)
        guard count > 0 else { return false }
        bytes += piece[..<count]
        return true
    }
}
