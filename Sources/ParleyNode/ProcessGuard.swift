import Glibc

/// What both programs do before anything else, so that records don't leave through side doors.
package enum ProcessGuard {
    /// Resets fatal signals, forbids core files, and makes every new file private.
    ///
    /// The runtime's crash reporter prints memory, and so would a core file: both may hold names.
    package static func apply() {
        for fatal in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
            signal(fatal, SIG_DFL)
        }
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        umask(0o077)
    }
}
