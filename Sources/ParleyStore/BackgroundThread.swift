import Dispatch
import Glibc
import NIOConcurrencyHelpers

/// A thread for what others send, behind what people wait for: it takes the processor that others
/// leave. On a small machine checking a flood of batches would keep commands waiting.
///
/// No queue of the system's: their threads are shared, and a thread that has stood back can't come
/// forward again without privileges.
final class BackgroundThread: Sendable {
    /// Weighs a third of what usual threads do, as those that serve peers.
    private static let niceness: Int32 = 5

    /// The one of this process; it lives as long.
    static let shared = BackgroundThread()

    private let jobs = NIOLockedValueBox<[@Sendable () -> Void]>([])
    private let waiting = DispatchSemaphore(value: 0)

    private init() {
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { context in
                let background = Unmanaged<BackgroundThread>.fromOpaque(context!)
                background.takeUnretainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(failure == 0, "a process can have one more thread")
        pthread_detach(thread)
    }

    /// Runs `body` after what was given before.
    func async(_ body: @escaping @Sendable () -> Void) {
        jobs.withLockedValue { $0.append(body) }
        waiting.signal()
    }

    private func run() {
        // On Linux a priority is a thread's, here the calling one's.
        setpriority(.init(PRIO_PROCESS.rawValue), 0, BackgroundThread.niceness)
        while true {
            waiting.wait()
            let job = jobs.withLockedValue { $0.removeFirst() }
            job()
        }
    }
}
