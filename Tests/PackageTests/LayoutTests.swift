import Foundation
import Testing

/// The shape of the repository: what lies where, and what is written where.
struct LayoutTests {
    @Test func topLevelIsExactlyWhatAReaderExpects() throws {
        // What git doesn't know is whoever's it is: the build's, an editor's, a trial node.
        let names = try Repository.trackedNames()
        #expect(
            names == ["Package.swift", "Protocol", "README.md", "Scripts", "Sources", "Tests"])
    }

    @Test func sharedCodeIsNamedForItsSubject() {
        let vague = ["utils", "util", "common", "helpers", "misc"]
        for path in ["Sources", "Tests"].flatMap(Repository.paths) {
            let name = URL(filePath: path).deletingPathExtension().lastPathComponent
            for word in vague {
                #expect(!name.lowercased().hasSuffix(word), "\(path) has no subject")
            }
            #expect(!path.contains(" "), "\(path) has a space")
        }
    }

    @Test func foldersInsideModulesAreOneLevelDeep() {
        for path in Repository.paths(in: "Sources") where path.hasSuffix(".swift") {
            #expect(path.split(separator: "/").count <= 3, "\(path) lies too deep")
        }
    }

    @Test func onlyTheStoreSpeaksSQL() throws {
        let statements = [
            "SELECT ", "INSERT INTO ", "INSERT OR ", "DELETE FROM ", "CREATE TABLE ",
            "CREATE INDEX ", "ALTER TABLE ", "PRAGMA ", "BEGIN IMMEDIATE",
        ]
        for file in try Repository.swiftFiles(in: "Sources") where file.module != "ParleyStore" {
            for statement in statements {
                #expect(!file.text.contains(statement), "\(file) holds \(statement)")
            }
        }
    }

    @Test func nothingIsPublic() throws {
        for file in try Repository.swiftFiles(in: "Sources") {
            let isPublic = file.text.split(separator: "\n").contains { line in
                let line = line.drop { $0 == " " }
                return line.hasPrefix("public ") || line.hasPrefix("open class ")
            }
            #expect(!isPublic, "\(file): the package has no product")
        }
    }

    /// So that the suite runs in release builds too.
    @Test func testsSeeOnlyWhatOtherModulesSee() throws {
        for file in try Repository.swiftFiles(in: "Tests") {
            #expect(!file.text.contains("@" + "testable"), "\(file)")
        }
    }
}

/// What `Package.swift` promises.
struct ManifestTests {
    private func lines() throws -> [Substring] {
        try Repository.text(of: "Package.swift").split(
            separator: "\n", omittingEmptySubsequences: false)
    }

    @Test func dependenciesArePinnedExactlyAndJustified() throws {
        let lines = try lines()
        let packages = lines.indices.filter { lines[$0].contains(".package(") }
        #expect(!packages.isEmpty)
        for index in packages {
            let version = lines[index].wholeMatch(of: /.*exact: "\d+\.\d+\.\d+"\),?/)
            #expect(version != nil, "\(lines[index]) isn't pinned")
            let isJustified = lines[index - 1].wholeMatch(of: /\s*\/\/ .*\./) != nil
            #expect(isJustified, "\(lines[index]) needs a sentence above it")
        }
    }

    @Test func everyTestFolderIsATarget() throws {
        let manifest = try Repository.text(of: "Package.swift")
        for name in try Repository.names(in: "Tests") {
            let sources = try Repository.swiftFiles(in: "Tests").filter { $0.module == name }
            let isTarget = manifest.contains("\"\(name)\"")
            #expect(isTarget || sources.isEmpty, "Tests/\(name) is never run")
        }
    }
}
