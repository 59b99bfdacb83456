package import ParleyControl

/// A file with assignments, for values that must not stand in the process list, and for long ones.
///
/// One assignment a line. Indented lines below it are lines of its value, without the indentation of
/// the first of them: what is indented deeper keeps the rest. Empty lines between them are the
/// value's too. Where nothing stands behind the `=`, the value is the lines below alone. Lines that
/// aren't indented and are empty or begin with `#` are skipped.
package struct AssignmentFile {
    fileprivate struct Entry {
        let line: Int
        var text: String
        /// Whether the value begins on the next line.
        var isOpen: Bool
        /// What the lines below begin with, once there is one.
        var indentation: Int?
        /// Empty lines that belong to the value if more of it follows.
        var emptyLines: [String] = []
    }

    private var entries: [Entry] = []

    /// - Parameter text: without a byte order mark.
    package init(_ text: String) {
        for (index, line) in TextLines.of(text).enumerated() {
            let content = line.drop { $0 == " " || $0 == "\t" }
            if content.isEmpty {
                if !entries.isEmpty { entries[entries.count - 1].emptyLines.append(line) }
            } else if content.startIndex != line.startIndex, !entries.isEmpty {
                entries[entries.count - 1].add(line)
            } else if !line.hasPrefix("#") {
                entries.append(
                    Entry(
                        line: index + 1, text: line,
                        isOpen: line.firstIndex(of: "=") == line.indices.last))
            }
        }
    }

    /// - Throws: `CommandFailure` with the number of the line that assigns nothing.
    package func assignments() throws -> [Request.Assignment] {
        try entries.map { entry in
            do {
                return try Request.Assignment(typed: entry.text)
            } catch let failure as CommandFailure {
                throw CommandFailure(failure.exitCode, "line \(entry.line): \(failure.message)")
            }
        }
    }
}

extension AssignmentFile.Entry {
    fileprivate mutating func add(_ line: String) {
        let width = line.prefix { $0 == " " || $0 == "\t" }.count
        indentation = indentation ?? width
        for line in emptyLines + [line] {
            let spaces = line.prefix { $0 == " " || $0 == "\t" }.count
            text += (isOpen ? "" : "\n") + line.dropFirst(min(indentation ?? 0, spaces))
            isOpen = false
        }
        emptyLines = []
    }
}
