import ArgumentParser
import ParleyControl
import ParleyNode

/// `parley init`: a new node in a new home.
struct Init: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Make this machine a node: a key pair in a folder of its own.")
    static let examples = [
        Example("the first thing on a new machine", "parley init --name amal"),
        Example("a second node beside it", "parley init --name amal-laptop --home ./laptop"),
    ]

    @Option(help: ArgumentHelp("What the team calls you.", valueName: "name"))
    var name: String

    @OptionGroup var options: NodeOptions

    func run() async throws {
        let node = try NodeBackend.createHome(at: options.home, name: name)
        if options.json {
            Output.json(try node.json)
            return
        }
        Output.write(
            """
            node \(node.node.prefix(16)) of \(node.name) lives in \(node.home)
            next: `parley casebook create NAME` to start a casebook, or `parley join CODE` with an
            invitation

            """)
    }
}

/// `parley casebook ...`
struct CasebookCommand: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        commandName: "casebook",
        abstract: "Create, list and show casebooks: what a team shares.",
        subcommands: [Create.self, ListAll.self, ShowOne.self])
    static let examples = [Example("every casebook of this node", "parley casebook list")]

    struct Create: NodeCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start a casebook, with you as its first coordinator.")
        static let examples = [
            Example("one body of records for one team", "parley casebook create sweida")
        ]

        @Argument(help: "What the team calls it.") var name: String
        @OptionGroup var options: NodeOptions

        func request() -> Request { .createCasebook(name: name) }

        func page(for casebook: CasebookAnswer, on screen: Screen) -> String {
            let next =
                "next: `parley new TYPE FIELD=VALUE...`, or `parley invite` for a colleague\n"
            return PeerPage.text(casebook, on: screen) + "\n" + next
        }
    }

    struct ListAll: NodeCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the casebooks of this node.")
        static let examples = [Example("for a script", "parley casebook list --json")]

        @OptionGroup var options: NodeOptions

        func request() -> Request { .listCasebooks }

        func page(for casebooks: [CasebookAnswer], on screen: Screen) -> String {
            PeerPage.text(casebooks, on: screen)
        }
    }

    struct ShowOne: NodeCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a casebook and its members.")
        static let examples = [Example("who can read this", "parley casebook show")]

        @OptionGroup var options: NodeOptions

        func request() -> Request { .showCasebook }

        func page(for casebook: CasebookAnswer, on screen: Screen) -> String {
            PeerPage.text(casebook, on: screen)
        }
    }
}

/// `parley invite`
struct Invite: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an invitation for one person, once, for a short time (coordinators).",
        discussion: "Send the code over a channel you trust: whoever uses it first is admitted.")
    static let examples = [
        Example(
            "somebody who may write, reaching this node at an address",
            "parley invite --address 127.0.0.1:7440"),
        Example("somebody who only reads, today", "parley invite --role reader --expires 8h"),
    ]

    enum Role: String, ExpressibleByArgument, CaseIterable { case coordinator, editor, reader }

    @Option(help: "coordinator, editor or reader.") var role = Role.editor

    @Option(help: ArgumentHelp("For how long: 30m, 24h, 7d.", valueName: "time"))
    var expires = Lifetime(seconds: 86_400)

    @Option(help: ArgumentHelp("Where this node can be reached.", valueName: "host:port"))
    var address: String?

    @OptionGroup var options: NodeOptions

    func request() -> Request {
        .invite(role: role.rawValue, expiresSeconds: expires.seconds, address: address)
    }

    func page(for invitation: InvitationAnswer, on screen: Screen) -> String {
        """
        \(invitation.code)

        valid once, until \(LocalTime.shown(invitation.expires)); on the other machine:
          parley join CODE        (or `parley join -`, which keeps it out of the process list)

        """
    }
}

/// `parley uninvite`
struct Uninvite: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "End the invitations made on this node that nobody has used.",
        discussion: """
            For a code that went to somebody else than was meant. Whoever has joined already is shut \
            out with `parley peer revoke`.
            """)
    static let examples = [Example("all that are open", "parley uninvite")]

    @OptionGroup var options: NodeOptions

    func request() -> Request { .withdrawInvitations }

    func page(for answer: WithdrawnAnswer, on screen: Screen) -> String {
        answer.withdrawn == 0
            ? "no invitation was open\n"
            : "ended \(Amount.text(answer.withdrawn, "invitation"))\n"
    }
}

/// `30m`, `24h`, `7d`
struct Lifetime: ExpressibleByArgument, Equatable, Sendable {
    private static let unitSeconds: [Character: Int] = ["m": 60, "h": 3_600, "d": 86_400]

    let seconds: Int

    init(seconds: Int) {
        self.seconds = seconds
    }

    init?(argument: String) {
        guard let unit = argument.last.flatMap({ Self.unitSeconds[$0] }),
            let count = Int(argument.dropLast()), (1...1_000).contains(count)
        else { return nil }
        seconds = count * unit
    }

    var defaultValueDescription: String { "\(seconds / 3_600)h" }
}

/// `parley join`
struct Join: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Join a casebook with an invitation; needs this node's daemon.")
    static let examples = [
        Example("the code from a file, out of sight of `ps`", "parley join - < invitation.txt")
    ]

    @Argument(help: "The invitation, or - to read it from standard input.") var code: [String]
    @OptionGroup var options: NodeOptions

    func request() throws -> Request {
        let text = code == ["-"] ? try ValueSource.value("-") : code.joined(separator: " ")
        return .join(code: Join.code(in: text))
    }

    /// The invitation within all that `parley invite` prints, should somebody have kept that.
    static func code(in text: String) -> String {
        let paragraphs = text.split(separator: "\n\n")
        return String(paragraphs.first { $0.lowercased().contains("parley1-") } ?? text[...])
    }

    func page(for casebook: JoinAnswer, on screen: Screen) -> String {
        JoinPage.text(casebook, on: screen)
    }
}

/// What `join` answers.
package enum JoinPage {
    package static func text(_ casebook: JoinAnswer, on screen: Screen) -> String {
        "joined \(screen.paint(casebook.name.line, .title)) as \(casebook.role)\n"
            + "next: `parley sync` fetches what is there, `parley list` shows it\n"
    }
}
