import Testing

/// Arrows between modules only go up the list, and every one of them is agreed here.
///
/// CRDT, Model, Wire and Sync import no Foundation, no sockets, no database: they are handed time
/// and randomness and give back values. Only Store knows SQLite, only Transport and Control know
/// channels.
struct ImportTests {
    struct Module {
        let name: String
        /// Modules of this package it may import.
        var own: [String] = []
        /// Everything else it may import.
        var libraries: Set<String> = []
    }

    static let foundation: Set = ["Foundation", "FoundationEssentials"]
    static let system = foundation.union([
        "Dispatch", "Glibc", "Synchronization", "NIOConcurrencyHelpers", "Logging",
    ])
    static let sockets: Set = ["NIOCore", "NIOPosix"]

    /// Top to bottom: a module may only import what stands above it.
    static let modules = [
        Module(name: "CZlib"),
        Module(name: "ParleyCRDT"),
        Module(name: "ParleyModel", own: ["ParleyCRDT"]),
        Module(
            name: "ParleyCasework", own: ["ParleyCRDT", "ParleyModel"], libraries: foundation),
        Module(name: "ParleyWire", own: ["ParleyCRDT", "ParleyModel", "CZlib"]),
        Module(
            name: "ParleyLog", own: ["ParleyCRDT", "ParleyModel", "ParleyWire"],
            libraries: foundation.union(["Crypto"])),
        Module(
            name: "ParleyVault", libraries: foundation.union(["Crypto", "CryptoExtras"])),
        Module(
            name: "ParleySync", own: ["ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog"]),
        Module(
            name: "ParleyStore", own: ["ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog"],
            libraries: system.union(["Crypto", "GRDB", "GRDBSQLite"])),
        Module(
            name: "ParleyTransport",
            own: ["ParleyCRDT", "ParleyModel", "ParleyWire", "ParleySync"],
            libraries: system.union(sockets).union([
                "Crypto", "NIOSSL", "NIOTLS", "SwiftASN1", "X509",
            ])),
        Module(
            name: "ParleyControl", own: ["ParleyModel"], libraries: system.union(sockets)),
        Module(
            name: "ParleyNode",
            own: [
                "ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog", "ParleySync",
                "ParleyStore", "ParleyTransport", "ParleyControl", "ParleyCasework",
                "ParleyVault",
            ], libraries: system),
        Module(
            name: "parleyd", own: ["ParleyNode"],
            libraries: system.union(["ArgumentParser", "ServiceLifecycle", "UnixSignals"])),
        Module(
            name: "parley", own: ["ParleyNode", "ParleyControl"],
            libraries: system.union(["ArgumentParser"])),
    ]

    @Test func arrowsOnlyGoUp() {
        for (position, module) in ImportTests.modules.enumerated() {
            let above = ImportTests.modules.prefix(position).map(\.name)
            for name in module.own {
                #expect(above.contains(name), "\(module.name) may not import \(name)")
            }
        }
    }

    @Test func everyModuleIsListed() throws {
        #expect(try Repository.names(in: "Sources") == ImportTests.modules.map(\.name).sorted())
    }

    @Test(arguments: modules.map(\.name))
    func importsOnlyWhatIsAgreed(name: String) throws {
        let module = try #require(ImportTests.modules.first { $0.name == name })
        let agreed = module.libraries.union(module.own + ["Swift"])
        for file in try Repository.swiftFiles(in: "Sources") where file.module == name {
            // Not in a release build; a test run names the defect in its environment.
            if file.path.hasSuffix("PlantedDefect.swift") { continue }
            for imported in Imports.modules(in: file.text) {
                #expect(agreed.contains(imported), "\(file) imports \(imported)")
            }
        }
    }

    /// The thread sanitizer doesn't see the futex under the language's `Mutex` on Linux: it would report
    /// races where there are none, and real ones would drown among them.
    @Test func locksAreThoseTheThreadSanitizerSees() throws {
        for file in try Repository.swiftFiles(in: "Sources") {
            #expect(!file.text.contains("Mutex"), "\(file) must use NIOLockedValueBox")
        }
    }

    @Test func importLinesAreReadInEveryForm() {
        let text = """
            import First
            package import Second
            @preconcurrency import Third
              internal import struct Fourth.Part
            import func Fifth.call  // why
            // import Sixth
            let important = 7
            """
        #expect(Imports.modules(in: text) == ["First", "Second", "Third", "Fourth", "Fifth"])
    }
}

/// Reads the import lines of a source file.
enum Imports {
    private static let kinds: Set = [
        "typealias", "struct", "class", "enum", "protocol", "let", "var", "func",
    ]

    /// The modules imported, in order.
    static func modules(in text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let keyword = words.firstIndex(of: "import"),
                words[..<keyword].allSatisfy(isModifier)
            else { return nil }
            let name = words[(keyword + 1)...].first { !kinds.contains($0) }
            return name?.split(separator: ".").first.map(String.init)
        }
    }

    private static func isModifier(_ word: String) -> Bool {
        word.hasPrefix("@")
            || ["package", "internal", "private", "fileprivate", "public"].contains(word)
    }
}
