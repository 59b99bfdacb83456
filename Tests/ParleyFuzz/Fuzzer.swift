#if FUZZING
    import Glibc
    import ParleyFuzzing

    /// Hands libFuzzer the target that PARLEY_FUZZ_TARGET names; its own arguments are libFuzzer's.
    @main
    struct Fuzzer {
        static func main() {
            guard let name = getenv("PARLEY_FUZZ_TARGET").map({ String(cString: $0) }),
                FuzzTargets.named(name) != nil
            else {
                say("PARLEY_FUZZ_TARGET names no target")
                exit(2)
            }
            atexit { Execution.report() }
            var count = CommandLine.argc
            var arguments = CommandLine.unsafeArgv
            exit(runDriver(&count, &arguments, fuzzOne))
        }
    }

    /// Of libFuzzer, without its own `main`: SwiftPM wants programs to have one.
    @_silgen_name("LLVMFuzzerRunDriver")
    private func runDriver(
        _ count: UnsafeMutablePointer<CInt>,
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
        _ entry: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
    ) -> CInt

    @_cdecl("LLVMFuzzerTestOneInput")
    func fuzzOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        Execution.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
    }

    /// On standard error, as libFuzzer does.
    private func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    /// One run after the other, and the slowest.
    ///
    /// libFuzzer's own report of slow inputs counts in seconds.
    private enum Execution {
        private static let target = FuzzTargets.named(
            String(cString: getenv("PARLEY_FUZZ_TARGET")))!
        /// No input may take longer, in nanoseconds. The bound is 20 ms of a release build; what
        /// takes 3 ms there takes 30 to 60 with everything watched.
        private static let limit: UInt64 = 100_000_000
        /// The libFuzzer process has one thread.
        nonisolated(unsafe) private static var slowest: UInt64 = 0
        nonisolated(unsafe) private static var slowCount = 0

        static func run(_ input: [UInt8]) {
            let begin = nanoseconds(CLOCK_MONOTONIC)
            check(input)
            guard nanoseconds(CLOCK_MONOTONIC) - begin > slowest else { return }
            // Others use this machine too: the quickest of three tries is the input's own time.
            let times = (0..<3).map { _ in
                let begin = nanoseconds(CLOCK_THREAD_CPUTIME_ID)
                check(input)
                return nanoseconds(CLOCK_THREAD_CPUTIME_ID) - begin
            }
            let time = times.min()!
            slowest = max(slowest, time)
            if time > limit { keep(input) }
        }

        private static func check(_ input: [UInt8]) {
            do {
                try target.run(input)
            } catch {
                say("broken law: \(error)")
                abort()
            }
        }

        private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
            var time = timespec()
            clock_gettime(clock, &time)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        }

        /// Each is slower than those before it, so a few are enough.
        private static func keep(_ input: [UInt8]) {
            guard slowCount < 20, let folder = getenv("PARLEY_FUZZ_SLOW") else { return }
            slowCount += 1
            let path = String(cString: folder) + "/slow-\(slowest / 1_000_000)ms-\(slowCount)"
            guard let file = fopen(path, "w") else { return }
            fwrite(input, 1, input.count, file)
            fclose(file)
        }

        static func report() {
            say("stat::slowest_input_us: \(slowest / 1000)")
            say("stat::slow_inputs: \(slowCount)")
        }
    }
#endif
