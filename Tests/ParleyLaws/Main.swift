import Glibc
import ParleyHistories

/// Checks every law of merging on all histories of up to five changes. As optimised code, because
/// there are more than twenty million of them; `ParleyCRDTTests` checks the shorter ones.
@main
enum Main {
    static func main() async {
        let start = ContinuousClock.now
        let isSound = await withTaskGroup(of: Bool.self) { group in
            for law in Law.all { group.addTask { holds(law) } }
            var isSound = true
            for await holds in group { isSound = isSound && holds }
            return isSound
        }
        let seconds = (ContinuousClock.now - start).components.seconds
        print(isSound ? "All laws hold, \(seconds) s." : "A law is broken.")
        exit(isSound ? 0 : 1)
    }

    private static func holds(_ law: Law) -> Bool {
        let outcomes = (1...5).map(law.check)
        let failures = outcomes.flatMap(\.failures).prefix(3).map { "\n  broken: \($0)" }
        let count = outcomes.reduce(0) { $0 + $1.historyCount }
        print("\(law): \(count) histories\(failures.joined())")
        return failures.isEmpty
    }
}
