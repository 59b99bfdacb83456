import Glibc
import ParleyCasework
package import ParleyVault

/// Where a passphrase comes from. Never from the command line or the environment: both are shown to
/// whoever looks at the processes of this machine.
package enum PassphraseSource: Sendable {
    /// Asked for without echo.
    case terminal
    /// The first line of what is read there.
    case descriptor(Int32)
    /// The first line of a file that only we can read.
    case file(String)

    /// Fewer are found by trying, whatever a guess costs.
    private static let leastCharacters = 12

    /// What two options say; `nil` for a descriptor that can't be one.
    package static func of(file: String?, descriptor: Int32?) -> PassphraseSource {
        if let file { return .file(file) }
        return descriptor.map(PassphraseSource.descriptor) ?? .terminal
    }

    /// Reads the passphrase of something that has one.
    ///
    /// - Parameter purpose: what it opens, to follow "passphrase of".
    /// - Throws: `refused`, `notPermitted` for a file that others can read.
    package func passphrase(of purpose: String) throws(NodeError) -> Passphrase {
        let line: [UInt8]
        switch self {
        case .terminal: line = try ask(["Passphrase of \(purpose): "], for: purpose)[0]
        case .descriptor(let descriptor):
            line = try read(descriptor, from: "descriptor \(descriptor)")
        case .file(let path): line = try readFile(path)
        }
        return try PassphraseSource.passphrase(line)
    }

    /// Reads a new one, at the terminal twice.
    ///
    /// - Throws: the same; `refused` where it is too short or the two differ.
    package func newPassphrase(for purpose: String) throws(NodeError) -> Passphrase {
        guard case .terminal = self else {
            return try PassphraseSource.new(try passphrase(of: purpose))
        }
        let lines = try ask(
            ["New passphrase of \(purpose): ", "The same once more: "], for: purpose)
        let passphrase = try PassphraseSource.new(try PassphraseSource.passphrase(lines[0]))
        guard passphrase.isSame(as: try PassphraseSource.passphrase(lines[1])) else {
            throw NodeError(
                .refused, "nothing done: you typed two different passphrases. Try again.")
        }
        return passphrase
    }

    private static func new(_ passphrase: Passphrase) throws(NodeError) -> Passphrase {
        guard passphrase.characterCount >= leastCharacters else {
            throw NodeError(
                .refused,
                "cannot use that passphrase: it has fewer than \(leastCharacters) characters. Take a few words that nobody would put together."
            )
        }
        return passphrase
    }

    private static func passphrase(_ line: [UInt8]) throws(NodeError) -> Passphrase {
        guard let text = String(validating: line, as: UTF8.self),
            let passphrase = Passphrase(utf8: text.composedBytes)
        else {
            throw NodeError(
                .refused,
                "cannot use that passphrase: it is empty, longer than \(Passphrase.byteLimit) bytes or no UTF-8 text. Type it on one line."
            )
        }
        return passphrase
    }

    private func ask(_ questions: [String], for purpose: String) throws(NodeError) -> [[UInt8]] {
        guard let terminal = SecretTerminal() else {
            throw NodeError(
                .refused,
                "cannot ask for the passphrase of \(purpose): no terminal is there. Put it into a file that only you can read (chmod 600) and give --passphrase-file FILE, or give --passphrase-fd N."
            )
        }
        guard let answers = terminal.ask(questions) else {
            throw NodeError(.refused, "nothing done, as you broke off.")
        }
        return answers
    }

    private func readFile(_ path: String) throws(NodeError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else {
            throw NodeError(
                .refused,
                "cannot read the passphrase from \(path): \(String(cString: strerror(errno))). Check the path given with --passphrase-file."
            )
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_uid == geteuid(), status.st_mode & 0o077 == 0
        else {
            throw NodeError(
                .notPermitted,
                "cannot take the passphrase from \(path): the file must be yours and closed to others. Type `chmod 600 \(path)`; if others could read it, take another passphrase."
            )
        }
        return try read(file, from: path)
    }

    /// Up to the first line break or the end.
    private func read(_ descriptor: Int32, from name: String) throws(NodeError) -> [UInt8] {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count <= Passphrase.byteLimit {
            let count = Glibc.read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw NodeError(
                    .refused,
                    "cannot read the passphrase from \(name): \(String(cString: strerror(errno))). Check what is given with --passphrase-fd."
                )
            }
            guard count > 0, byte != UInt8(ascii: "\n") else { break }
            line.append(byte)
        }
        return line
    }
}
