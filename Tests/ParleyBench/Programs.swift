import Foundation
import Glibc
import ParleyTestSupport

/// The two programs as a person would start them.
struct Programs {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let folder: URL

    /// - Throws: where one of them isn't there.
    init(folder: URL) throws {
        self.folder = folder
        for name in ["parley", "parleyd"] {
            let path = folder.appending(path: name).path
            guard FileManager.default.isExecutableFile(atPath: path) else {
                throw Failure(description: "no \(path): build it first, as Scripts/bench does")
            }
        }
    }

    /// Runs one command and reads its JSON.
    ///
    /// - Throws: with what it said, unless it is done (0) or done with open conflicts (4).
    @discardableResult
    func parley(_ arguments: String..., home: URL) throws -> Data {
        let words = arguments + ["--home", home.path, "--json"]
        let result = ChildProcess(
            folder.appending(path: "parley").path, words,
            variables: ProcessInfo.processInfo.environment, folder: "/"
        ).wait()
        guard [0, 4].contains(result.exitCode) else {
            let text = result.errors + result.output
            throw Failure(description: "parley \(arguments.joined(separator: " ")): \(text)")
        }
        return Data(result.output.utf8)
    }

    /// Starts a daemon and waits for its ready line.
    func startDaemon(home: URL, listen: String) throws -> Daemon {
        try Daemon(program: folder.appending(path: "parleyd"), home: home, listen: listen)
    }
}

/// One running `parleyd`.
final class Daemon {
    private struct ReadyLine: Decodable {
        let listening: String
        let control: String
    }

    private let process = Process()
    /// HOST:PORT, to listen there again after a restart.
    let address: String
    let control: String
    /// From start to ready line.
    let secondsUntilReady: Double

    fileprivate init(program: URL, home: URL, listen: String) throws {
        process.executableURL = program
        process.arguments = ["--home", home.path, "--listen", listen, "--json"]
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        let log = home.appendingPathExtension("log")
        _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        process.standardError = try FileHandle(forWritingTo: log)
        var line = Data()
        let process = process
        secondsUntilReady = try Stopwatch.seconds {
            try process.run()
            line = Daemon.firstLine(of: output.fileHandleForReading)
        }
        guard let ready = try? JSONDecoder().decode(ReadyLine.self, from: line) else {
            process.terminate()
            let said = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            throw Programs.Failure(description: "parleyd isn't ready: \(said)")
        }
        address = ready.listening
        control = ready.control
    }

    deinit {
        if process.isRunning { process.terminate() }
    }

    func stop() {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }

    /// Ends it as a power cut would, but for the machine.
    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Processor time so far, of all its threads, in steps of 10 ms.
    var processorSeconds: Double {
        get throws {
            let path = "/proc/\(process.processIdentifier)/stat"
            let status = try String(contentsOfFile: path, encoding: .utf8)
            // Counted behind the name, which may hold anything.
            let fields = status.split(separator: ")").last?.split(separator: " ") ?? []
            guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
            else { throw Programs.Failure(description: "\(path) says nothing of its time") }
            return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }

    /// The most memory it ever had resident, in MiB.
    var peakMemory: Double {
        get throws {
            let path = "/proc/\(process.processIdentifier)/status"
            let status = try String(contentsOfFile: path, encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            guard
                let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ Double($0) }
                )
            else { throw Programs.Failure(description: "\(path) says nothing of VmHWM") }
            return kibibytes / 1_024
        }
    }

    private static func firstLine(of handle: FileHandle) -> Data {
        var line = Data()
        while let byte = try? handle.read(upToCount: 1), let first = byte.first,
            first != UInt8(ascii: "\n")
        {
            line.append(first)
        }
        return line
    }
}
