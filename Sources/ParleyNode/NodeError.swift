/// A refusal a person reads: what could not be done, why, and what to type next.
package struct NodeError: Error, Equatable, Sendable {
    /// Exit codes of the command line, as `parley help` lists them.
    package enum Kind: Int32, Sendable {
        case refused = 1
        case usage = 2
        case notFound = 3
        case unreachable = 5
        case notPermitted = 6
        case integrity = 7
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

extension NodeError {
    /// What a check of a casebook's file found.
    init(damaged path: String, _ finding: String) {
        self.init(
            .integrity,
            "the casebook's file \(path) is damaged: \(finding). Keep a copy of it, and see that the other members hold what is in it: `parley sync`."
        )
    }
    /// Two files hold one casebook.
    init(repeating used: String, in unused: String) {
        self.init(
            .integrity,
            "cannot use \(unused): it holds the casebook that is in \(used), too, and that one is used. Stop the node, move the file you don't want out of the folder, and start it again."
        )
    }
}
