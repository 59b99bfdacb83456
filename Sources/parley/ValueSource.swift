import ArgumentParser
import FoundationEssentials
import Glibc
package import ParleyControl

/// `--from`: values that must not stand in the process list or the shell's history.
struct AssignmentSource: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read more assignments from a file, - for standard input.",
            discussion: """
                One assignment a line, as on the command line. Indented lines below it continue its \
                value, without the indentation of the first of them; where nothing stands behind \
                the = they are all of it. Empty lines among them stay. Elsewhere empty lines and \
                lines that begin with # are skipped.
                """,
            valueName: "file"))
    var from: String?

    /// The same, of which there has to be something.
    ///
    /// - Parameter command: whose help page has examples.
    func required(after arguments: [String], for command: String) throws -> [Request.Assignment] {
        let list = try assignments(after: arguments)
        guard !list.isEmpty else {
            throw CommandFailure(
                Exit.usage,
                "there is nothing to write. Give FIELD=VALUE or --from FILE; `parley help \(command)` "
                    + "has examples.")
        }
        return list
    }

    /// What the arguments and the file assign, in that order.
    func assignments(after arguments: [String]) throws -> [Request.Assignment] {
        let typed = try arguments.map { try Request.Assignment(typed: $0) }
        guard let from else { return typed }
        return typed + (try AssignmentFile(try ValueSource.text(from)).assignments())
    }
}

/// Text from a file or standard input.
enum ValueSource {
    /// - Parameter path: `-` is standard input.
    static func text(_ path: String) throws -> String {
        let name = path == "-" ? "standard input" : "`\(path)`"
        guard let data = path == "-" ? standardInput() : contents(of: path) else {
            throw CommandFailure(
                Exit.refused, "cannot read \(name): no such file, or not readable. Check its path.")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw CommandFailure(
                Exit.refused,
                "cannot read \(name): it isn't UTF-8 text. Convert it, then try again.")
        }
        return TextLines.withoutByteOrderMark(text)
    }

    private static func contents(of path: String) -> [UInt8]? {
        (try? Data(contentsOf: URL(filePath: path))).map(Array.init)
    }

    /// Everything up to the end of standard input, be it a file, a pipe or a terminal.
    private static func standardInput() -> [UInt8]? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(STDIN_FILENO, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += piece.prefix(count)
        }
    }

    /// The text without the line break that editors put at the end of a file.
    static func value(_ path: String) throws -> String {
        var text = try text(path)
        if text.last == "\n" || text.last == "\r\n" { text.removeLast() }
        return text
    }
}

extension Request.Assignment {
    /// Reads `FIELD=VALUE`, `FIELD+=ELEMENT`, `FIELD-=ELEMENT` or `FIELD:=`.
    ///
    /// The value itself is never repeated in an error: it may be personal.
    package init(typed text: String) throws {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw CommandFailure(
                Exit.usage,
                "an argument assigns nothing. Write FIELD=VALUE, FIELD+=ELEMENT, FIELD-=ELEMENT "
                    + "or FIELD:=, for example place='Adra Central Prison'.")
        }
        let sign = text[text.index(before: equals)]
        let kind = Operator(rawValue: "\(sign)=") ?? .set
        let name = kind == .set ? text[..<equals] : text[..<text.index(before: equals)]
        let value = String(text[text.index(after: equals)...])
        guard !name.isEmpty else {
            throw CommandFailure(
                Exit.usage, "an assignment names no field. Write FIELD=VALUE.")
        }
        if kind == .unset, !value.isEmpty {
            throw CommandFailure(
                Exit.usage,
                "\(name):= takes no value: it unsets the field. To write one use \(name)=VALUE.")
        }
        self.init(field: String(name), operator: kind, value: value)
    }
}
