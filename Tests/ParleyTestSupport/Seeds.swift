import Foundation

/// Which seeds a random test runs with.
package enum Seeds {
    /// Seeds 1...count, the same on every run, so that a red test means a defect.
    ///
    /// `PARLEY_SEED=17` runs that seed alone; `PARLEY_SEEDS=5000` runs that many.
    package static func fromEnvironment(default count: Int) -> [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["PARLEY_SEED"].flatMap(UInt64.init) { return [seed] }
        let wanted = environment["PARLEY_SEEDS"].flatMap(UInt64.init) ?? UInt64(count)
        return Array(1...max(1, wanted))
    }
}
