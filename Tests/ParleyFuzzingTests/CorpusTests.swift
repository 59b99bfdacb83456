import Foundation
import ParleyFuzzing
import Testing

/// Inputs that once led somewhere new or broke something go through their targets again, whole and
/// cut short.
@Suite struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "ParleyFuzzing/Corpus")

    private static func inputs(of name: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = folder.appending(path: name)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            ($0, Array(try Data(contentsOf: folder.appending(path: $0))))
        }
    }

    @Test(arguments: FuzzTargets.all.map { $0.name })
    func everyInputKeepsTheLaws(name: String) throws {
        let target = try #require(FuzzTargets.named(name))
        let inputs = try Self.inputs(of: name)
        #expect(!inputs.isEmpty)
        for input in inputs {
            #expect(throws: Never.self, "\(name)/\(input.name)") { try target.run(input.bytes) }
            for part in 1...3 {
                let count = input.bytes.count * part / 4
                #expect(throws: Never.self, "\(name)/\(input.name), the first \(count) bytes") {
                    try target.run(Array(input.bytes.prefix(count)))
                }
            }
        }
    }

    /// So that the suite stays fast and the repository small.
    @Test func theCorpusIsSmall() throws {
        var sizes: [Int] = []
        for target in FuzzTargets.all {
            sizes += try Self.inputs(of: target.name).map(\.bytes.count)
        }
        #expect(sizes.count <= 300)
        #expect(sizes.reduce(0, +) <= 400 * 1024)
        #expect(sizes.allSatisfy { $0 <= 16 * 1024 })
    }

    @Test func everyFolderIsATarget() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(names.sorted() == FuzzTargets.all.map { $0.name }.sorted())
    }
}
