import FoundationEssentials
import Glibc

/// The file in which a person writes the value that settles a conflict.
package struct ResolutionDraft {
    /// What stands below this line is for reading only, so that a value may begin with any sign.
    private static let scissors = "# ---- the value is everything above this line ----"

    private let conflict: ConflictAnswer

    package init(_ conflict: ConflictAnswer) {
        self.conflict = conflict
    }

    /// The value shown by default, then everything there is to know as comments.
    package var text: String {
        let page = ConflictPage(conflict, on: .plain).comparisonText
        let comments = page.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "#" : "# \($0)" }.joined(separator: "\n")
        return "\(shownValue)\n\(Self.scissors)\n\(comments)\n"
    }

    /// The value in what the editor left behind.
    package static func value(in text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.prefix { $0 != scissors }.joined(separator: "\n")
    }

    /// Opens the editor and waits until the person is done.
    ///
    /// - Parameter folder: the node's home, which nobody else can read; the draft holds values.
    /// - Throws: `CommandFailure` where nothing was written; the conflict then stays as it was.
    func edited(inFolder folder: String) throws -> String {
        let path = "\(folder)/draft-\(getpid()).txt"
        defer { unlink(path) }
        try Data(text.utf8).write(to: URL(filePath: path))
        let editor = Surroundings.variable("VISUAL") ?? Surroundings.variable("EDITOR") ?? "vi"
        guard Shell.run("\(editor) \"$1\"", argument: path) == 0 else {
            throw CommandFailure(
                Exit.refused,
                "nothing settled: the editor `\(editor)` failed. Set EDITOR to one that is "
                    + "installed, or use --value.")
        }
        let value = Self.value(in: try ValueSource.text(path))
        guard value.contains(where: { !$0.isWhitespace }) else {
            throw CommandFailure(
                Exit.refused,
                "nothing settled: the draft was left empty. To unset the field, settle it with a "
                    + "side and then use `parley edit \(conflict.record.prefix(8)) "
                    + "\(conflict.field):=`.")
        }
        return value
    }

    /// The newest value, which is what lists show meanwhile.
    private var shownValue: String { conflict.sides.last?.value?.raw ?? "" }
}

/// Runs a command line with the terminal handed over to it.
enum Shell {
    /// - Returns: the exit code, -1 where the shell could not be started.
    static func run(_ command: String, argument: String) -> Int32 {
        let words = ["/bin/sh", "-c", command, "sh", argument]
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        guard posix_spawn(&child, "/bin/sh", nil, nil, &pointers, environ) == 0 else { return -1 }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let hasExited = status & 0x7f == 0
        return hasExited ? (status >> 8) & 0xff : -1
    }
}
