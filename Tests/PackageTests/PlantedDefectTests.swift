import Testing

/// Defects are planted in test builds only, and each is listed with the tests that catch it.
struct PlantedDefectTests {
    /// Every line that asks for a defect lies where a release build doesn't look.
    @Test func noneOfItIsInAReleaseBuild() throws {
        var count = 0
        for file in try Repository.swiftFiles(in: "Sources") {
            var conditions: [Bool] = []
            for line in file.text.split(separator: "\n").map({ $0.drop { $0 == " " } }) {
                if line.hasPrefix("#if") { conditions.append(line == "#if DEBUG") }
                if line.hasPrefix("#endif") { conditions.removeLast() }
                #expect(!line.hasPrefix("#else") || conditions.last != true, "\(file)")
                guard line.contains("PlantedDefect") || line.contains("PARLEY_DEFECT") else {
                    continue
                }
                count += 1
                #expect(conditions.contains(true), "\(file): \(line)")
            }
        }
        #expect(count > 10)
    }

    @Test func eachIsListedWithTheTestsThatCatchIt() throws {
        let planted = try Repository.text(of: "Sources/ParleyCRDT/PlantedDefect.swift")
            .split(separator: "\n").map { $0.drop { $0 == " " } }
            .filter { $0.hasPrefix("case ") }.map { String($0.dropFirst("case ".count)) }
        let listed = try Repository.text(of: "Scripts/planted").split(separator: "\n")
            .map { $0.drop { $0 == " " } }.filter { $0.hasPrefix("'") }
            .compactMap { $0.dropFirst().split(separator: " ").first.map(String.init) }
        #expect(planted == listed)
    }
}
