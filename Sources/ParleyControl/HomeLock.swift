import Glibc
import NIOConcurrencyHelpers

/// The right to open a home: held by a daemon for as long as it runs, by a command for as long as
/// it works without one.
///
/// A `flock` on the file `lock`, which names the holder's process for messages. The system drops it
/// when the holder dies, however it dies; the file itself stays.
package final class HomeLock: Sendable {
    package enum Attempt: Sendable {
        case acquired(HomeLock)
        /// The process that holds it; `nil` in the instant before it has written its number.
        case held(pid: Int32?)
    }

    /// How often a waiting command looks again: unnoticeable to a person, nothing to a processor.
    private static let pauseMicroseconds: UInt32 = 10_000

    /// `nil` once released.
    private let descriptor: NIOLockedValueBox<Int32?>

    private init(descriptor: Int32) {
        self.descriptor = NIOLockedValueBox(descriptor)
    }

    deinit {
        release()
    }

    /// Lets go of the home; without effect from the second time on.
    package func release() {
        guard let held = descriptor.withLockedValue({ $0.take() }) else { return }
        // A child that was started and doesn't run its program yet has the file, too.
        flock(held, LOCK_UN)
        close(held)
    }

    /// Takes the lock if nobody holds it.
    ///
    /// - Parameter home: the folder, which must exist.
    /// - Throws: `system` when the file can't be opened; a symbolic link isn't followed.
    package static func tryAcquire(home: String) throws(ControlError) -> Attempt {
        let descriptor = open(home + "/lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .lastCall("open") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let failure = ControlError.lastCall("flock")
            defer { close(descriptor) }
            guard errno == EWOULDBLOCK else { throw failure }
            return .held(pid: holder(descriptor))
        }
        note(getpid(), in: descriptor)
        return .acquired(HomeLock(descriptor: descriptor))
    }

    /// The same, but waits for a command that is about to finish. Blocks the thread.
    ///
    /// - Parameter patience: on the monotonic clock.
    package static func acquire(
        home: String, waiting patience: Duration = .seconds(5)
    ) throws(ControlError) -> Attempt {
        let deadline = ContinuousClock.now + patience
        while true {
            let attempt = try tryAcquire(home: home)
            guard case .held = attempt, ContinuousClock.now < deadline else { return attempt }
            usleep(pauseMicroseconds)
        }
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let digits = bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }
        return Int32(String(decoding: digits, as: UTF8.self))
    }

    /// Only for messages, so a full disk is no reason to refuse the lock.
    private static func note(_ pid: Int32, in descriptor: Int32) {
        let text = Array("\(pid)\n".utf8)
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = pwrite(descriptor, text, text.count, 0)
    }
}
