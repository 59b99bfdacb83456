import Testing

/// What `Protocol/assurance.md` refers to is there.
struct AssuranceTests {
    /// Each thing that was found names the test that would find it again.
    @Test func whatWasFoundHasATest() throws {
        let page = try Repository.text(of: "Protocol/assurance.md")
        let found = try #require(page.components("## Found by these checks").last)
        let rows = found.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst()
        #expect(rows.count > 5)
        let tests = try Repository.swiftFiles(in: "Tests").map(\.text)
        let programs = try Repository.names(in: "Tests/Assurance")
        for row in rows {
            let name = row.split(separator: "|").last { !$0.allSatisfy { $0 == " " } } ?? ""
            let bare = name.filter { $0 != " " && $0 != "`" }
            let isThere =
                programs.contains(bare)
                || tests.contains { $0.contains("func \(bare)(") || $0.contains("struct \(bare)") }
            #expect(isThere, "\(bare) is no test")
        }
    }

    @Test func everyGoalIsListed() throws {
        let goals = try Repository.text(of: "Tests/Assurance/goals.py")
        for number in 1...29 { #expect(goals.contains("(\"G\(number)\",")) }
    }

    /// A check that `Scripts/assure` names has a program or a script.
    @Test func everyCheckCanBeRun() throws {
        let script = try Repository.text(of: "Scripts/assure")
        let names = try #require(script.components("checks=(").last?.components(")").first)
            .split { $0 == " " || $0 == "\n" }.map(String.init)
        #expect(names.count > 10)
        let programs = try Repository.names(in: "Tests/Assurance")
        let scripts = try Repository.names(in: "Scripts")
        for name in names {
            let isThere =
                programs.contains(name + ".py") || scripts.contains(name) || name == "reference"
            #expect(isThere, "\(name) can't be run")
        }
    }
}

extension String {
    /// What lies between the places where `separator` stands.
    fileprivate func components(_ separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
