#if !FUZZING
    import Foundation
    import ParleyFuzzing

    /// Runs inputs of one target, to see what is wrong with one, and how long it takes.
    @main
    struct Replay {
        static func main() {
            let arguments = CommandLine.arguments.dropFirst()
            guard arguments.count > 1, let target = FuzzTargets.named(arguments[1]) else {
                print("Usage: ParleyFuzz TARGET FILE...")
                print("Targets: \(FuzzTargets.all.map { $0.name }.joined(separator: " "))")
                exit(2)
            }
            var broken = 0
            let clock = ContinuousClock()
            for path in arguments.dropFirst() {
                guard let data = FileManager.default.contents(atPath: path) else {
                    print("cannot read \(path)")
                    exit(2)
                }
                let input = Array(data)
                var failure: (any Error)?
                let time = clock.measure {
                    do { try target.run(input) } catch { failure = error }
                }
                if let failure {
                    broken += 1
                    print("\(path): \(failure)")
                }
                if arguments.count < 20 { print("\(path): \(input.count) bytes, \(time)") }
            }
            print("\(arguments.count - 1) inputs run, \(broken) broke a law")
            exit(broken == 0 ? 0 : 1)
        }
    }
#endif
