import Glibc

/// What both programs do before anything else, so that records don't leave through side doors.
package enum ProcessGuard {
    /// Resets fatal signals, forbids core files and looking into this process, and makes every new
    /// file private.
    ///
    /// The runtime's crash reporter prints memory, and so would a core file: both may hold names.
    /// Other processes of the same user could read memory and environment.
    package static func apply() {
        for fatal in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
            signal(fatal, SIG_DFL)
        }
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        forbidLookingIn()
        umask(0o077)
    }

    /// `prctl(PR_SET_DUMPABLE, 0)`: Swift can't call C functions of variable arguments by name.
    private static func forbidLookingIn() {
        typealias Prctl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        guard let symbol = dlsym(nil, "prctl") else { return }
        _ = unsafeBitCast(symbol, to: Prctl.self)(4, 0, 0, 0, 0)
    }
}
