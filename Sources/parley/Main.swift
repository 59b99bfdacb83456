import ArgumentParser
import Glibc
import ParleyNode

/// `parley`: what a person types. Parses, asks the node, shows the answer.
@main
enum Main {
    static func main() async {
        ProcessGuard.apply()
        exit(await run(Array(CommandLine.arguments.dropFirst())))
    }

    /// - Returns: the exit code of the contract, see `Exit`.
    static func run(_ arguments: [String]) async -> Int32 {
        do {
            var command = try Parley.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return Exit.done
        } catch let failure as CommandFailure {
            Output.error(failure.message)
            return failure.exitCode
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            return UsageReport.show(error, for: arguments)
        }
    }
}

/// Exit codes, as `parley help` lists them.
enum Exit {
    static let done: Int32 = 0
    static let refused: Int32 = 1
    static let usage: Int32 = 2
    static let notFound: Int32 = 3
    static let openConflicts: Int32 = 4
    static let unreachable: Int32 = 5
    static let notPermitted: Int32 = 6
    static let integrity: Int32 = 7
    /// 128 and the number of the signal, as shells have it.
    static let interrupted: Int32 = 130
}

/// A command that could not do what was asked.
package struct CommandFailure: Error {
    package let exitCode: Int32
    /// What could not be done, why, and what to do next; lower case, without `error:`.
    package let message: String

    init(_ exitCode: Int32 = Exit.refused, _ message: String) {
        self.exitCode = exitCode
        self.message = message
    }
}
