import ArgumentParser

/// A command line with what it does, as shown under a help page and run by a test.
package struct Example: Sendable {
    package let purpose: String
    package let command: String

    init(_ purpose: String, _ command: String) {
        self.purpose = purpose
        self.command = command
    }
}

/// A command whose help page ends with examples.
///
/// In examples `3f9a` stands for a record, `a1b2:42` for a change and `basil` for a peer.
protocol Exemplified: ParsableCommand {
    static var examples: [Example] { get }
}

/// The help of the command that a command line names, with its examples at the end.
package enum HelpPage {
    package static func text(_ arguments: [String]) -> String {
        text(for: command(named: arguments))
    }

    static func text(for command: any ParsableCommand.Type) -> String {
        let page = withoutCommonOptions(Parley.helpMessage(for: command))
            .trimmingSuffix(while: \.isNewline)
        guard let examples = (command as? any Exemplified.Type)?.examples, !examples.isEmpty else {
            return page + "\n"
        }
        let lines = examples.map { "  # \($0.purpose)\n  \($0.command)\n" }.joined(separator: "\n")
        return page + "\n\nEXAMPLES:\n" + lines
    }

    /// Usage lines without what every command takes; the list of options has it.
    static func withoutCommonOptions(_ page: String) -> String {
        page.replacing(
            " [--home <dir>] [--casebook <name>] [--json]"
                + " [--passphrase-file <file>] [--passphrase-fd <number>]", with: "")
    }

    /// Follows the words of the command line down the tree as far as they name commands.
    static func command(named arguments: [String]) -> any ParsableCommand.Type {
        var command: any ParsableCommand.Type = Parley.self
        for word in arguments where !word.hasPrefix("-") && word != "help" {
            guard let next = children(of: command).first(where: { $0._commandName == word }) else {
                break
            }
            command = next
        }
        return command
    }

    /// Every command, with the words that call it and its examples.
    package static func everyCommand() -> [(words: [String], examples: [Example])] {
        commands(below: Parley.self, words: [])
    }

    private static func commands(
        below command: any ParsableCommand.Type, words: [String]
    ) -> [(words: [String], examples: [Example])] {
        let examples = (command as? any Exemplified.Type)?.examples ?? []
        return [(words, examples)]
            + children(of: command).flatMap {
                commands(below: $0, words: words + [$0._commandName])
            }
    }

    static func children(of command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        let configuration = command.configuration
        return configuration.ungroupedSubcommands
            + configuration.groupedSubcommands.flatMap(\.subcommands)
    }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> String {
        var rest = self[...]
        while let last = rest.last, isTrimmed(last) { rest.removeLast() }
        return String(rest)
    }
}
