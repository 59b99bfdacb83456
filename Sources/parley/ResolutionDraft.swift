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
        // An editor takes a mark at the beginning for the file's own; a second one is the value's.
        let mark = shownValue.unicodeScalars.first == TextLines.byteOrderMark ? "\u{feff}" : ""
        return "\(mark)\(shownValue)\n\(Self.scissors)\n\(comments)\n"
    }

    /// The value in what the editor left behind, and in a file that was a draft. The last such line
    /// counts: a value may hold one too, the comments can't.
    ///
    /// Every byte above that line counts: empty lines, spaces at either end, and each line break but
    /// the last. How an editor ends lines isn't part of it: values have no carriage returns.
    package static func value(in text: String) -> String {
        let lines = TextLines.of(text)
        guard let end = lines.lastIndex(where: { $0 == scissors }) else { return text }
        return lines[..<end].joined(separator: "\n")
    }

    /// Opens the editor and waits until the person is done.
    ///
    /// - Throws: `CommandFailure` where there is nothing to settle the conflict with.
    func edit(_ file: DraftFile) throws -> String {
        let editor = Surroundings.variable("VISUAL") ?? Surroundings.variable("EDITOR") ?? "vi"
        guard Shell.run("\(editor) \"$1\"", argument: file.path) == 0 else {
            let kept =
                file.removeUnlessEdited()
                ? "" : " What you wrote is in \(file.path): `--from \(file.path)` takes it."
            throw CommandFailure(
                Exit.refused,
                "nothing settled: the editor `\(editor)` failed. Set EDITOR to one that is "
                    + "installed, or use --value.\(kept)")
        }
        let left = try ValueSource.value(file.path)
        try requireEnd(of: left, in: file)
        let value = Self.value(in: left)
        guard value.contains(where: { !$0.isWhitespace }) else {
            file.remove()
            throw CommandFailure(
                Exit.refused,
                "nothing settled: the draft was left empty. To settle it with no value, type `parley "
                    + "conflict resolve \(ShortNames.record(conflict.record)) \(conflict.field) "
                    + "--unset`.")
        }
        // Leaving it as it was isn't a choice: whoever wanted out of the editor says it that way.
        let offered = Self.value(in: TextLines.withoutByteOrderMark(text))
        guard !value.unicodeScalars.elementsEqual(offered.unicodeScalars) else {
            file.remove()
            throw CommandFailure(
                Exit.refused,
                "nothing settled: the text was left unchanged. To keep a side as it is, type the "
                    + "command that `parley conflict show \(ShortNames.record(conflict.record)) "
                    + "\(conflict.field)` has for it.")
        }
        return value
    }

    /// What was there to read must not become part of the value with the line gone that ends it.
    private func requireEnd(of left: String, in file: DraftFile) throws(CommandFailure) {
        let lines = TextLines.of(left)
        let comments = Set(TextLines.of(text).drop { $0 != Self.scissors }.filter { $0.count > 2 })
        guard !lines.contains(Self.scissors), lines.contains(where: comments.contains) else {
            return
        }
        throw CommandFailure(
            Exit.refused,
            "nothing settled: the line `\(Self.scissors)` is gone from the draft, so where the value "
                + "ends can't be told. What you wrote is in \(file.path): take out of it what isn't "
                + "part of the value, then `--from \(file.path)` takes it.")
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
