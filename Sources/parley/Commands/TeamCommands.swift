import ArgumentParser
import ParleyControl

/// `parley sync`
struct Sync: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "Exchange with peers now, and say what went each way; needs the daemon.",
        discussion: "Exit code 4: what arrived made conflicts. 5: no peer could be reached.")
    static let examples = [
        Example("with everybody who can be reached", "parley sync"),
        Example("with one, for at most a minute", "parley sync basil --wait 60"),
    ]

    @Argument(help: "A peer, by name or the beginning of its node ID.") var peer: String?
    @Option(
        help: ArgumentHelp(
            "How long to wait until all is exchanged; 0 only tells how it stands. Who answers at none "
                + "of its addresses isn't waited for.", valueName: "seconds"))
    var wait = 30
    @OptionGroup var options: NodeOptions

    func validate() throws {
        if !(0...86_400).contains(wait) {
            throw ValidationError("--wait can't be \(wait): give seconds from 0 to 86400")
        }
    }

    func run() async throws {
        let request = Request.sync(peer: peer, waitSeconds: wait)
        try await Session.with(options) { session in
            let response = try await SyncProgress.shown(on: session, with: peer) {
                try await session.perform(request)
            }
            try session.show(response, page: SyncPage.text)
        }
    }
}

/// `parley status`
struct Status: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Where things stand: casebooks, conflicts, peers, failed connections.",
        discussion: "Two nodes hold the same casebook exactly when their digests are equal.")
    static let examples = [Example("for a script", "parley status --json")]

    @OptionGroup var options: NodeOptions

    func request() -> Request { .status }

    func page(for status: StatusAnswer, on screen: Screen) -> String {
        StatusPage.text(status, on: screen)
    }
}

/// `parley watch`
struct Watch: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        abstract: "A line for everything that happens, until Ctrl-C; needs the daemon.",
        discussion: """
            Who created, changed or deleted which record, here or elsewhere, with what is in conflict \
            then, and who connects. With --casebook only what concerns that casebook.
            """)
    static let examples = [Example("one JSON object a line", "parley watch --json")]

    @OptionGroup var options: NodeOptions

    func run() async throws {
        let screen = Surroundings.screen
        try await Session.with(options) { session in
            let envelope = Envelope(casebook: options.casebook, request: .watch)
            try await session.backend.stream(envelope) { response in
                guard let json = try response.checked().json else { return }
                if options.json {
                    Output.json(json)
                } else {
                    Output.write(EventLine.text(try response.answer(), on: screen))
                }
            }
        }
    }
}

/// `parley peer ...`
struct PeerCommand: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "The other nodes: who they are and where to reach them.",
        subcommands: [
            ListAll.self, Add.self, Remove.self, Rename.self, ChangeRole.self, Revoke.self,
        ])
    static let examples = [Example("everybody", "parley peer list")]

    struct ListAll: NodeCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the members' nodes, and who is connected.")
        static let examples = [Example("for a script", "parley peer list --json")]

        @OptionGroup var options: NodeOptions

        func request() -> Request { .listPeers }

        func page(for peers: [PeerAnswer], on screen: Screen) -> String {
            PeerPage.text(peers, on: screen)
        }
    }

    struct Add: NodeCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say where a member's node can be reached.")
        static let examples = [
            Example("after somebody moved", "parley peer add basil 127.0.0.1:7441")
        ]

        @Argument(help: "The member's name or node ID.") var node: String
        @Argument(help: ArgumentHelp("Where.", valueName: "host:port")) var address: String
        @OptionGroup var options: NodeOptions

        func request() -> Request { .addPeer(node: node, address: address) }

        func page(for peers: [PeerAnswer], on screen: Screen) -> String {
            PeerPage.text(peers, on: screen)
        }
    }

    struct Remove: NodeCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget an address, or all addresses of a member, on this machine only.",
            discussion: """
                A member stays a member, whose changes count; only where to look for the node is \
                forgotten. Others who know the address can pass it on again.
                """)
        static let examples = [
            Example("after a mistake", "parley peer remove 127.0.0.1:7441"),
            Example("every address of one member", "parley peer remove basil"),
        ]

        @Argument(
            help: ArgumentHelp(
                "An address as `parley peer list` shows it, or a member's name or node ID.",
                valueName: "address|member"))
        var target: String
        @OptionGroup var options: NodeOptions

        func request() -> Request { .removePeer(target) }

        func page(for removed: [RemovedAddress], on screen: Screen) -> String {
            PeerPage.text(removed)
        }
    }

    struct Rename: NodeCommand {
        static let configuration = CommandConfiguration(
            abstract: "Call a node something else, on this machine only.")
        static let examples = [
            Example("a name that says where it is", "parley peer rename basil attic")
        ]

        @Argument(help: "The peer, by name or the beginning of its node ID.") var peer: String
        @Argument(help: "The new name.") var name: String
        @OptionGroup var options: NodeOptions

        func request() -> Request { .renamePeer(peer: peer, name: name) }

        func page(for peers: [PeerAnswer], on screen: Screen) -> String {
            PeerPage.text(peers, on: screen)
        }
    }

    struct ChangeRole: NodeCommand {
        static let configuration = CommandConfiguration(
            commandName: "role", abstract: "Give a member another role; only coordinators may.",
            discussion: """
                Coordinators invite, revoke and erase, beside editing. Readers only read. What \
                somebody does without having heard of it counts as far as the new role permits it: \
                before making somebody a reader, have them sync. Giving the role back lets in what \
                didn't count; `parley doctor` says where there is any.
                """)
        static let examples = [
            Example("let somebody invite, too", "parley peer role basil coordinator")
        ]

        @Argument(help: "The member, by name or the beginning of its node ID.") var peer: String
        @Argument(help: "coordinator, editor or reader.") var role: Invite.Role
        @OptionGroup var options: NodeOptions

        func request() -> Request { .setRole(peer: peer, role: role.rawValue) }

        func page(for peers: [PeerAnswer], on screen: Screen) -> String {
            PeerPage.text(peers, on: screen)
        }
    }

    struct Revoke: AsyncParsableCommand, Exemplified {
        static let configuration = CommandConfiguration(
            abstract: "Shut a node out of the casebook, for good; only coordinators may.",
            discussion: """
                For a laptop that was lost or seized. The node gets nothing any more from anybody \
                who has heard of it, and what it writes from now on counts nowhere. What it wrote \
                until now counts as far as it is here; --until says otherwise where its key was \
                misused before. Of a log that is wrong from its beginning nothing counts with LOG:0; \
                `parley status` names logs that were written twice. Type it again with another \
                --until to let more or less of its work in, as far as it has reached somebody. A \
                revoked node is never a member again: its person makes a new one. What it erased or \
                redacted before it was cut off stays so.
                """)
        static let examples = [
            Example("a seized laptop", "parley peer revoke basil --yes"),
            Example(
                "whose key was misused after a change of its log",
                "parley peer revoke basil --until c3d4:1 --yes"),
            Example(
                "where a whole log of it is somebody else's work",
                "parley peer revoke basil --until c3d4:0 --yes"),
        ]

        @Argument(help: "The member, by name or the beginning of its node ID.") var peer: String
        @Option(
            help: ArgumentHelp(
                "The last change of a log of it that counts, LOG:0 for none; once for each of its logs.",
                valueName: "change"))
        var until: [String] = []
        @Flag(help: "Don't ask.") var yes = false
        @OptionGroup var options: NodeOptions

        func run() async throws {
            if !yes {
                try Question.ask(
                    "Shut \(peer) out of the casebook, for good? [y/N] ", verb: "revoke \(peer)")
            }
            try await Session.with(options) {
                try await $0.show(.revokePeer(peer: peer, until: until), page: page)
            }
        }

        private func page(for peers: [PeerAnswer], on screen: Screen) -> String {
            PeerPage.text(peers, on: screen)
        }
    }
}
