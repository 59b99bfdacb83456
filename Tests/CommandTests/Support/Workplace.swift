import FoundationEssentials
import Glibc
import ParleyTestSupport
import Testing

/// A temporary folder with the built programs on the path; gone when the test is over.
final class Workplace {
    let path: String

    init() throws {
        // Short: a control socket's path has at most 107 bytes.
        var template = Array("/tmp/parley-test-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Where the test bundle and the programs built with it are.
    static let programs: String = {
        let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return String((bundle ?? "").prefix { _ in true }.dropLast(while: { $0 != "/" }))
    }()

    /// The repository's top level.
    static let package = #filePath.components(before: "/Tests/")

    func node(_ name: String) -> TestNode { TestNode(name: name, home: "\(path)/\(name)") }

    /// A file that only we can read, with one line in it.
    ///
    /// - Returns: its path.
    func secret(_ line: String, in name: String) throws -> String {
        let file = "\(path)/\(name)"
        try "\(line)\n".write(toFile: file, atomically: false, encoding: .utf8)
        chmod(file, 0o600)
        return file
    }

    /// Runs a command line in this folder.
    func shell(_ script: String, home: String) -> ChildProcess.Result {
        ChildProcess(
            "/bin/sh", ["-e", "-c", script], variables: Workplace.variables(home: home),
            folder: path
        ).wait()
    }

    static func variables(home: String) -> [String: String] {
        [
            "PARLEY_HOME": home, "TZ": "UTC", "HOME": home, "EDITOR": "true",
            "PATH": "\(programs):/usr/bin:/bin",
            "LD_LIBRARY_PATH": getenv("LD_LIBRARY_PATH").map { String(cString: $0) } ?? "",
        ].merging(profile) { $1 }
    }

    /// Where programs note what of them was exercised, if that is measured: nowhere, because one that is
    /// killed while it does so spoils what all have noted.
    private static let profile: [String: String] =
        getenv("LLVM_PROFILE_FILE") == nil ? [:] : ["LLVM_PROFILE_FILE": "/dev/null"]
}

extension String {
    fileprivate func components(before marker: String) -> String {
        guard let range = firstRange(of: marker) else { return self }
        return String(self[..<range.lowerBound])
    }
}

extension Substring {
    fileprivate func dropLast(while isDropped: (Character) -> Bool) -> Substring {
        var rest = self
        while let last = rest.last, isDropped(last) { rest.removeLast() }
        return rest.last == "/" ? rest.dropLast() : rest
    }
}
