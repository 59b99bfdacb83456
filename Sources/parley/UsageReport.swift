import ArgumentParser

/// What the argument parser has to say: help on standard output, mistakes on standard error.
package enum UsageReport {
    static func show(_ error: any Error, for arguments: [String]) -> Int32 {
        if Parley.exitCode(for: error).isSuccess {
            let isVersion = arguments.contains("--version")
            Output.write(isVersion ? Parley.message(for: error) + "\n" : HelpPage.text(arguments))
            return Exit.done
        }
        Output.error(
            unknownCommand(in: arguments)
                ?? leadingDash(in: arguments, report: Parley.fullMessage(for: error))
                ?? message(Parley.fullMessage(for: error)))
        return Exit.usage
    }

    /// What to type where a value or a word begins with a dash and so was read as an option. The
    /// word itself isn't repeated: it may name a person.
    package static func leadingDash(in arguments: [String], report: String) -> String? {
        for (option, value) in zip(arguments, arguments.dropFirst())
        where value.hasPrefix("-") && report.contains("Missing value for '\(option) ") {
            return
                "there is no value for `\(option)`: what follows it begins with a dash and was read "
                + "as an option. Join the two with an equals sign, for example `\(option)=-5`."
        }
        guard report.contains("Unknown option") || report.contains("Missing expected argument"),
            arguments.contains(where: { $0.hasPrefix("-") && $0.count > 1 }),
            !arguments.contains(where: { $0.hasPrefix("--") }),
            HelpPage.children(of: HelpPage.command(named: arguments)).isEmpty
        else { return nil }
        return
            "a word that begins with a dash was read as an option. Write `--` before such words, for "
            + "example `parley find -- -5`; a value is joined to what it is for, for example "
            + "`note=-5`."
    }

    /// Brings the parser's wording into the form of our own messages.
    package static func message(_ report: String) -> String {
        var text = report.trimmingPrefix("Error: ").description
        let isCapitalised = text.dropFirst().first?.isLowercase == true
        if isCapitalised { text = text.prefix(1).lowercased() + text.dropFirst() }
        return HelpPage.withoutCommonOptions(text)
            .replacing("\nHelp: ", with: "\nhelp: ")
            .replacing("\nUsage: ", with: "\nusage: ")
            .replacing("\n  See '", with: "\nsee '")
    }

    /// - Returns: `nil` where every word that should name a command does.
    package static func unknownCommand(in arguments: [String]) -> String? {
        let command = HelpPage.command(named: arguments)
        let names = HelpPage.children(of: command).map { $0._commandName }
        let words = arguments.filter { $0 != "help" }.prefix { !$0.hasPrefix("-") }
        let depth = command == Parley.self ? 0 : 1
        guard !names.isEmpty, let word = words.dropFirst(depth).first else { return nil }
        let path = command == Parley.self ? "parley" : "parley \(command._commandName)"
        let least = names.map { distance($0, word) }.min() ?? .max
        let near = least > 2 ? [] : names.filter { distance($0, word) == least }
        // The word may be meant for the command that is the default.
        guard !near.isEmpty || command.configuration.defaultSubcommand == nil else { return nil }
        let next =
            near.isEmpty
            ? "`parley help\(path.dropFirst("parley".count))` lists them."
            : "Did you mean \(near.map { "`\(path) \($0)`" }.joined(separator: " or "))?"
        return "no command is called `\(path) \(PrintableText.line(word))`. \(next)"
    }

    /// Edits between two words: Levenshtein, "Binary codes capable of correcting deletions,
    /// insertions, and reversals" (1966).
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (index, letter) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let replaced = diagonal + (letter == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
