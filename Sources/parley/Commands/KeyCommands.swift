import ArgumentParser
import ParleyNode

/// `parley key ...`
struct KeyCommand: AsyncParsableCommand, Exemplified {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Protect this node's key with a passphrase, or stop to.",
        subcommands: [Protect.self, Unprotect.self])
    static let examples = [
        Example(
            "so that a stolen disk isn't a stolen node",
            "parley key protect --passphrase-file passphrase.txt")
    ]

    struct Protect: AsyncParsableCommand, Exemplified {
        static let configuration = CommandConfiguration(
            abstract: "Encrypt this node's key with a passphrase; its daemon must be stopped.",
            discussion: """
                From then on `parleyd` asks for the passphrase when it starts, and `parley` asks \
                where it writes without a daemon. Nobody can help who forgets it: make a backup \
                before. Records are not encrypted by it.
                """)
        static let examples = [
            Example("from a file", "parley key protect --passphrase-file passphrase.txt")
        ]

        @OptionGroup var options: NodeOptions

        func run() async throws {
            try options.show(isProtected: true) { home, source in
                try home.protectKey(by: source)
            }
        }
    }

    struct Unprotect: AsyncParsableCommand, Exemplified {
        static let configuration = CommandConfiguration(
            abstract: "Write this node's key plainly again; its daemon must be stopped.")
        static let examples = [
            Example("from a file", "parley key unprotect --passphrase-file passphrase.txt")
        ]

        @OptionGroup var options: NodeOptions

        func run() async throws {
            try options.show(isProtected: false) { home, source in
                try home.unprotectKey(by: source)
            }
        }
    }
}

/// What both answer.
private struct KeyAnswer: Encodable {
    let node: String
    let protected: Bool
}

extension NodeOptions {
    fileprivate func show(
        isProtected: Bool, _ rewrite: (Home, PassphraseSource) throws -> String
    ) throws {
        do {
            let node = try rewrite(NodeBackend.locate(home), passphrase.source)
            if json { return Output.json(try KeyAnswer(node: node, protected: isProtected).json) }
            Output.write(
                isProtected
                    ? "the key of node \(node.prefix(16)) is protected: `parleyd` asks for the passphrase when it\nstarts, or takes it with --passphrase-file\n"
                    : "the key of node \(node.prefix(16)) lies open in its home: keep the disk encrypted\n"
            )
        } catch let error as NodeError {
            throw CommandFailure(error)
        }
    }
}
