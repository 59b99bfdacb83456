import ArgumentParser

/// What every command takes.
struct NodeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The node's folder; else $PARLEY_HOME, else parley in the XDG data folder.",
            valueName: "dir"))
    var home: String?

    @Option(help: ArgumentHelp("The casebook meant, where there are several.", valueName: "name"))
    var casebook: String?

    @Flag(help: "Print the answer as JSON.")
    var json = false
}

/// `--because` of everything that writes.
struct ReasonOption: ParsableArguments {
    @Option(help: ArgumentHelp("Why; travels and stays with the change.", valueName: "text"))
    var because: String?
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
