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
        do {
            let command = try Daemon.parse(arguments)
            try await command.serve()
            return 0
        } catch let error as NodeError {
            Console.error(error.message)
            return error.kind.rawValue
        } catch  where Daemon.exitCode(for: error).isSuccess {
            Console.line(Daemon.fullMessage(for: error))
            return 0
        } catch {
            let report = Daemon.fullMessage(for: error)
            Console.error(report.trimmingPrefix("Error: ").description)
            return usage
        }
    }
}
