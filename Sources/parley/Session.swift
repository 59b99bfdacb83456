import ArgumentParser
import FoundationEssentials
import ParleyControl

/// One command's conversation with its node.
struct Session {
    let backend: any Backend
    let options: NodeOptions

    /// Opens what the options name and lets go of it again, also after a failure.
    static func with<Result>(
        _ options: NodeOptions, _ body: (Session) async throws -> Result
    ) async throws -> Result {
        let backend = try await NodeBackend.open(options)
        do {
            let result = try await body(Session(backend: backend, options: options))
            await backend.close()
            return result
        } catch {
            await backend.close()
            throw error
        }
    }

    /// - Returns: the response of a request that was carried out.
    /// - Throws: `CommandFailure` with the node's words.
    func perform(_ request: Request) async throws -> Response {
        try await backend.perform(envelope(of: request)).checked()
    }

    func envelope(of request: Request, showsAllValues: Bool = false) -> Envelope {
        Envelope(casebook: options.casebook, request: request, showsAllValues: showsAllValues)
    }

    /// A second conversation with the same node, so that two requests can be under way at once.
    func sibling() throws -> Session {
        Session(backend: try backend.sibling(), options: options)
    }

    /// Performs the request and prints its answer in the form that was asked for.
    ///
    /// - Parameter showsAllValues: whether the page has every value of a conflict in full. `--json`
    ///   has whatever the answer holds.
    func show<Answer: Decodable>(
        _ request: Request, showsAllValues: Bool = false, page: (Answer, Screen) -> String
    ) async throws {
        let envelope = envelope(of: request, showsAllValues: showsAllValues || options.json)
        guard options.json else {
            return try show(try await backend.perform(envelope).checked(), page: page)
        }
        // Passed on without holding it: `list --limit 0` may be large.
        let last = try await backend.perform(envelope) { Output.json(piece: $0) }
        try last.checked()
        Output.write(last.json == nil ? "null\n" : "\n")
        try last.end()
    }

    /// Prints an answer that is here already.
    func show<Answer: Decodable>(
        _ response: Response, page: (Answer, Screen) -> String
    ) throws {
        if options.json {
            Output.json(response.json ?? "null")
        } else {
            Output.write(page(try response.answer(), Surroundings.screen))
        }
        try response.end()
    }
}

extension Response {
    /// Says what was left out, then ends the command with the answer's exit code, unless that is 0.
    fileprivate func end() throws {
        if let part { Output.note(ListRemark.text(part)) }
        if exitCode != Exit.done { throw ExitCode(exitCode) }
    }

    /// The response itself, unless the node refused.
    @discardableResult
    func checked() throws -> Response {
        if let failure { throw failure }
        return self
    }

    /// Why the node refused, in its words, which may repeat names that others chose; `nil` where it
    /// did what was asked.
    var failure: CommandFailure? {
        error.map {
            CommandFailure(exitCode == 0 ? Exit.refused : exitCode, PrintableText.line($0))
        }
    }

    /// The answer read as what the command's contract says it is.
    func answer<Answer: Decodable>() throws -> Answer {
        do {
            return try JSONDecoder().decode(Answer.self, from: Data((json ?? "null").utf8))
        } catch {
            throw CommandFailure(
                Exit.refused,
                "cannot show the node's answer: it isn't in the form this parley knows. "
                    + "Bring parley and parleyd to the same version, or read it with --json.")
        }
    }
}

extension Encodable {
    /// As one line with sorted keys, for answers this program makes up itself.
    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}

/// A command that is one request and one page.
protocol NodeCommand: AsyncParsableCommand, Exemplified {
    associatedtype Answer: Decodable

    var options: NodeOptions { get }
    /// Whether its page has every value of a conflict in full, so that whoever reads it may choose.
    var showsAllValues: Bool { get }

    func request() throws -> Request
    func page(for answer: Answer, on screen: Screen) -> String
}

extension NodeCommand {
    var showsAllValues: Bool { false }

    func run() async throws {
        let request = try request()
        try await Session.with(options) {
            try await $0.show(request, showsAllValues: showsAllValues, page: page)
        }
    }
}
