import ArgumentParser
import ParleyNode

/// What every command takes.
struct NodeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The node's folder; else $PARLEY_HOME, else parley in the XDG data folder.",
            valueName: "dir"))
    var home: String?

    @Option(
        name: .customLong("casebook"),
        help: ArgumentHelp(
            "The casebook meant, where there are several; else $PARLEY_CASEBOOK.",
            valueName: "name"))
    var typedCasebook: String?

    @Flag(help: "Print the answer as JSON.")
    var json = false

    @OptionGroup var passphrase: PassphraseOptions

    /// The casebook meant, `nil` where nobody said.
    var casebook: String? { typedCasebook ?? Surroundings.variable("PARLEY_CASEBOOK") }
}

/// Where a passphrase comes from, should one be needed. It is no argument itself, because the
/// process list shows those.
struct PassphraseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where a passphrase is needed, take it from a file that only you can read.",
            valueName: "file"))
    var passphraseFile: String?

    @Option(
        help: ArgumentHelp(
            "The same, from an open file descriptor.", valueName: "number"))
    var passphraseFd: Int32?

    func validate() throws {
        if passphraseFile != nil, passphraseFd != nil {
            throw ValidationError(
                "there is one passphrase: give --passphrase-file or --passphrase-fd")
        }
    }

    var source: PassphraseSource { .of(file: passphraseFile, descriptor: passphraseFd) }
}

/// `--because` of everything that writes.
struct ReasonOption: ParsableArguments {
    @Option(help: ArgumentHelp("Why; travels and stays with the change.", valueName: "text"))
    var because: String?

    @Option(
        help: ArgumentHelp(
            "Why, from a file, - for standard input: a reason may name people, and the process list "
                + "shows what is typed.",
            valueName: "file"))
    var becauseFrom: String?

    func validate() throws {
        if because != nil, becauseFrom != nil {
            throw ValidationError("there is one reason: give --because or --because-from")
        }
    }

    /// Refuses to read two things from standard input.
    ///
    /// - Parameter file: where else the command reads from.
    func checkInput(besides file: String?) throws {
        if becauseFrom == "-", file == "-" {
            throw ValidationError(
                "standard input is either the values or the reason: give one of them as a file")
        }
    }

    /// The reason, where one was given; standard input is read for it.
    func text() throws -> String? {
        try becauseFrom.map { try ValueSource.value($0) } ?? because
    }
}

/// `--limit` of everything that lists.
struct LimitOption: ParsableArguments {
    @Option(help: ArgumentHelp("At most so many; 0 for all.", valueName: "number"))
    var limit = 100

    func validate() throws {
        if limit < 0 {
            throw ValidationError("--limit can't be \(limit): give 0 for all, or a number above it")
        }
    }
}
