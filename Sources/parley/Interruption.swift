import Glibc
import Synchronization

/// Ctrl-C as a wish to end in good order: noted by the first one, obeyed at once from the second on.
enum Interruption {
    private static let isNoted = Atomic(false)

    static var isRequested: Bool { isNoted.load(ordering: .relaxed) }

    /// Takes the signal over from the system, which would end the process in the middle of a chunk.
    static func catchFirst() {
        // Made before the handler runs: what a handler may do doesn't include making it.
        _ = isRequested
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in
            Interruption.isNoted.store(true, ordering: .relaxed)
        }
        // Without SA_RESTART, so that waiting for input ends, too.
        action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
        sigaction(SIGINT, &action, nil)
    }

    static let failure = CommandFailure(Exit.interrupted, "interrupted, as you asked.")
}
