// swift-tools-version: 6.2
import PackageDescription

/// Every module speaks the same dialect: strict concurrency, explicit existentials, and imports
/// that say what they expose, so that the compiler keeps the module arrows honest.
let dialect: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// The archive of libFuzzer's runtime, where `Scripts/fuzz` builds: what the programs of this package
/// consist of is then compiled so that it can see where an input leads.
let fuzzer = Context.environment["PARLEY_FUZZER"]

let watched: [SwiftSetting] =
    dialect + (fuzzer == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer"]), .define("FUZZING")])

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: watched)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: dialect)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    // Fixtures are read where they lie in the repository.
    .testTarget(
        name: name, dependencies: dependencies, exclude: fixtures(of: name),
        swiftSettings: dialect)
}

func fixtures(of target: String) -> [String] {
    ["ParleyStoreTests"].contains(target) ? ["Fixtures"] : []
}

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
/// Locks the thread sanitizer sees; it doesn't see those of the language's own `Mutex` on Linux.
let locks = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")

let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

let package = Package(
    name: "parley",
    dependencies: [
        // Sockets and event loops: the only networking stack on Linux that swift-nio-ssl drives.
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        // TLS 1.3 with Ed25519 certificates and a custom verification callback for pinned keys.
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        // SHA-256 for the chain and Ed25519 for heads, from BoringSSL.
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        // Makes the self-signed certificate that carries a node's key into TLS.
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        // The encoding of certificates; tests make with it those that must be refused.
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        // Parses command lines, writes help pages and suggests what was meant.
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        // SQLite with a writer queue, snapshot readers and migrations.
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        // One logging front end for the daemon and the libraries below it.
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        // Orderly start and stop of the daemon on SIGTERM and SIGINT.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["libz-dev"])]),
        module("ParleyCRDT"),
        module("ParleyModel", ["ParleyCRDT"]),
        module("ParleyCasework", ["ParleyModel"]),
        module("ParleyWire", ["ParleyCRDT", "ParleyModel", "CZlib"]),
        module("ParleyLog", ["ParleyCRDT", "ParleyModel", "ParleyWire", crypto]),
        // CryptoExtras has scrypt, which makes guessing at a passphrase dear.
        module("ParleyVault", [crypto, cryptoExtras]),
        module("ParleySync", ["ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog"]),
        module(
            "ParleyStore",
            ["ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog", crypto, locks, grdb, sqlite]),
        module(
            "ParleyTransport",
            [
                "ParleyCRDT", "ParleyModel", "ParleyWire", "ParleySync", crypto, certificates,
                asn1, locks, nioCore, nioPosix, nioSSL,
            ]),
        module("ParleyControl", ["ParleyModel", locks, nioCore, nioPosix]),
        module(
            "ParleyNode",
            [
                "ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog", "ParleySync",
                "ParleyStore", "ParleyTransport", "ParleyControl", "ParleyCasework",
                "ParleyVault", locks, logging,
            ]),
        program("parleyd", ["ParleyNode", arguments, logging, lifecycle, signals]),
        program("parley", ["ParleyNode", "ParleyControl", arguments]),
        // Seeds, random numbers, processes and failing disks for tests and benches.
        .target(
            name: "ParleyTestSupport", dependencies: [locks, sqlite],
            path: "Tests/ParleyTestSupport",
            swiftSettings: dialect),
        // All small histories and the laws they must keep; shared by tests and ParleyLaws.
        .target(
            name: "ParleyHistories", dependencies: ["ParleyCRDT"], path: "Tests/ParleyHistories",
            swiftSettings: dialect),
        // Whole nodes on simulated time, network, disks and users; what Scripts/simulate runs.
        .target(
            name: "ParleySimulation",
            dependencies: [
                "ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog", "ParleySync", "ParleyStore",
                "ParleyTransport", "ParleyNode", "ParleyTestSupport", locks, sqlite,
            ],
            path: "Tests/ParleySimulation", swiftSettings: dialect),
        .executableTarget(
            name: "ParleySimulate",
            dependencies: ["ParleySimulation", "ParleyTestSupport", arguments],
            path: "Tests/ParleySimulate", swiftSettings: dialect),
        // What Scripts/test runs as optimised code, and Scripts/bench; not part of what is installed.
        .executableTarget(
            name: "ParleyLaws", dependencies: ["ParleyHistories"], path: "Tests/ParleyLaws",
            swiftSettings: dialect),
        .executableTarget(
            name: "ParleyBench",
            dependencies: [
                "ParleyCRDT", "ParleyModel", "ParleyCasework", "ParleyWire", "ParleyLog",
                "ParleySync", "ParleyStore", "ParleyTransport", "ParleyNode", "ParleyControl",
                "ParleyTestSupport", "ParleyWorkload", arguments, locks, sqlite,
            ],
            path: "Tests/ParleyBench",
            exclude: ["chapter.py", "peers.py"], swiftSettings: dialect),
        // Records of one shape, the same on every run.
        .target(
            name: "ParleyWorkload", dependencies: ["ParleyTestSupport"],
            path: "Tests/ParleyWorkload", swiftSettings: dialect),
        // Single steps of a change's way, for counting instructions.
        .executableTarget(
            name: "ParleySteps",
            dependencies: [
                "ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog", "ParleyWorkload",
            ],
            path: "Tests/ParleySteps", exclude: ["codec.py"], swiftSettings: dialect),
        // Says what Swift reads in given bytes, to compare with Protocol/reference.
        .executableTarget(
            name: "ParleyReading", dependencies: ["ParleyCRDT", "ParleyModel", "ParleyWire"],
            path: "Tests/ParleyReading", swiftSettings: dialect),
        // What is fuzzed, with the laws it keeps; shared by tests and ParleyFuzz.
        .target(
            name: "ParleyFuzzing",
            dependencies: [
                "ParleyCRDT", "ParleyModel", "ParleyCasework", "ParleyWire", "ParleyLog",
                "ParleyVault", "ParleySync", "ParleyStore", "ParleyControl", "ParleyNode", "CZlib",
            ],
            path: "Tests/ParleyFuzzing", exclude: ["Corpus"], swiftSettings: dialect),
        // Runs inputs; built by Scripts/fuzz it looks for new ones.
        .executableTarget(
            name: "ParleyFuzz", dependencies: ["ParleyFuzzing"], path: "Tests/ParleyFuzz",
            swiftSettings: watched,
            linkerSettings: fuzzer.map { [.unsafeFlags([$0]), .linkedLibrary("stdc++")] } ?? []),
        tests("ParleyFuzzingTests", ["ParleyFuzzing"]),
        tests("ParleyCRDTTests", ["ParleyCRDT", "ParleyHistories", "ParleyTestSupport"]),
        tests("ParleyModelTests", ["ParleyCRDT", "ParleyModel"]),
        tests("ParleyCaseworkTests", ["ParleyCRDT", "ParleyCasework"]),
        tests("ParleyWireTests", ["ParleyCRDT", "ParleyModel", "ParleyWire", "CZlib"]),
        tests("ParleyLogTests", ["ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog"]),
        tests("ParleyVaultTests", ["ParleyVault"]),
        tests(
            "ParleySyncTests",
            [
                "ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog", "ParleySync",
                "ParleyTestSupport",
            ]),
        tests(
            "ParleyStoreTests",
            [
                "ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog", "ParleyStore",
                "ParleyTestSupport", locks, grdb, sqlite,
            ]),
        tests(
            "ParleyTransportTests",
            [
                "ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog", "ParleySync",
                "ParleyTransport", crypto, cryptoExtras, certificates,
                asn1, locks, nioCore, nioPosix, nioSSL,
            ]),
        tests("ParleyControlTests", ["ParleyControl", locks, nioCore, nioPosix]),
        tests(
            "ParleyNodeTests",
            [
                "ParleyCRDT", "ParleyModel", "ParleyWire", "ParleyLog", "ParleyStore",
                "ParleyTransport", "ParleyControl", "ParleyNode", "ParleyVault",
                "ParleyTestSupport", locks, logging, grdb, sqlite,
            ]),
        tests(
            "ParleySimulationTests",
            [
                "ParleyCRDT", "ParleyModel", "ParleyLog", "ParleyStore", "ParleySimulation",
                "ParleyTestSupport",
            ]),
        tests(
            "CommandTests", ["parley", "parleyd", "ParleyControl", "ParleyTestSupport", locks]),
        tests("PackageTests", []),
    ],
    swiftLanguageModes: [.v6]
)
