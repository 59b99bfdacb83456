import Foundation

/// The files of this repository as they lie on disk, found from where this source file is.
enum Repository {
    static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    struct SourceFile: CustomStringConvertible {
        /// Below the folder it was looked for in, its first part being the module's name.
        let path: String
        let text: String

        var module: String { String(path.prefix { $0 != "/" }) }
        var description: String { path }
    }

    static func text(of path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Names directly inside a folder, hidden ones left out, sorted.
    static func names(in folder: String = "") throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: root.appending(path: folder).path)
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }

    /// Names at the top level that git knows, hidden ones left out, sorted; all there are where this
    /// is no clone.
    static func trackedNames() throws -> [String] {
        let git = Process()
        let output = Pipe()
        git.executableURL = URL(filePath: "/usr/bin/env")
        git.arguments = ["git", "-C", root.path, "ls-files", "-z"]
        git.standardOutput = output
        git.standardError = FileHandle.nullDevice
        try git.run()
        let listed = try output.fileHandleForReading.readToEnd() ?? Data()
        git.waitUntilExit()
        guard git.terminationStatus == 0, !listed.isEmpty else { return try names() }
        let paths = String(decoding: listed, as: UTF8.self).split(separator: "\0")
        return Set(paths.compactMap { $0.split(separator: "/").first.map(String.init) })
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    /// Paths of everything inside a folder, relative to it; nothing hidden, so no `.build`.
    static func paths(in folder: String) -> [String] {
        let found = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
        let paths = found?.compactMap { $0 as? String } ?? []
        return paths.filter { !"/\($0)".contains("/.") }.sorted()
    }

    static func swiftFiles(in folder: String) throws -> [SourceFile] {
        try paths(in: folder).filter { $0.hasSuffix(".swift") }
            .map { SourceFile(path: $0, text: try text(of: "\(folder)/\($0)")) }
    }
}
