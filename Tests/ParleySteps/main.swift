// Does one step of a change's way over and over, to be timed or counted: `ParleySteps STEP TIMES`.
//
// On the main thread alone and without a library for arguments, because valgrind can't follow more.

let words = CommandLine.arguments
guard words.count == 3, let step = Steps.Step(rawValue: words[1]), let times = Int(words[2]),
    times > 0
else {
    let names = Steps.Step.allCases.map(\.rawValue).joined(separator: " | ")
    fatalError("Usage: ParleySteps \(names) TIMES")
}
let steps = try Steps()
let clock = ContinuousClock()
let start = clock.now
var sum = 0
for _ in 0..<times { sum &+= try steps.run(step) }
let rate = Double(times * Steps.changeCount) / ((clock.now - start) / .seconds(1))
print("\(step.rawValue) \(Int(rate)) changes/s (\(sum))")
