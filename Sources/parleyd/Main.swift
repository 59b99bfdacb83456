import ArgumentParser
import Glibc
import ParleyNode

/// `parleyd`: runs one node in the foreground, for systemd, containers and terminals alike.
@main
enum Main {
    /// ArgumentParser would exit with 64; the contract of both programs says 2.
    private static let usage: Int32 = 2

    static func main() async {
        ProcessGuard.apply()
        exit(await run(Array(CommandLine.arguments.dropFirst())))
    }

    static func run(_ arguments: [String]) async -> Int32 {
        let command: Daemon
        do {
            command = try Daemon.parse(arguments)
        } catch {
            return show(error)
        }
        do {
            try await command.serve()
            return 0
        } catch let error as NodeError {
            Console.error(error.message)
            return error.kind.rawValue
        } catch {
            Console.error(
                "parleyd stopped without being told to: \(error). Look at the log above, then start "
                    + "it again.")
            return NodeError.Kind.refused.rawValue
        }
    }

    /// What the argument parser has to say.
    private static func show(_ error: any Error) -> Int32 {
        if Daemon.exitCode(for: error).isSuccess {
            Console.line(Daemon.fullMessage(for: error))
            return 0
        }
        Console.error(Daemon.fullMessage(for: error).trimmingPrefix("Error: ").description)
        return usage
    }
}
