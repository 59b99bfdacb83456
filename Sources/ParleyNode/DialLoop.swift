import ParleyCRDT
import ParleyTransport
import Synchronization

/// Keeps trying to be connected to one peer: dials its addresses, newest first, waits with full
/// jitter after failures, and rests while a session stands, whoever dialled it.
final class DialLoop: Sendable {
    private let pause = Mutex<Task<Void, Never>?>(nil)
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// - Parameters:
    ///   - dial: tries every address once; returns why it failed, `nil` when connected.
    ///   - ended: returns when the session with the peer has ended, and why.
    init(
        dial: @escaping @Sendable () async -> CloseReason?,
        ended: @escaping @Sendable () async -> CloseReason
    ) {
        let work = Task { [weak self] in
            var reconnector = Reconnector()
            while !Task.isCancelled {
                let reason: CloseReason
                if let failure = await dial() {
                    reason = failure
                } else {
                    reason = await ended()
                    // Greeting each other is no success yet if it ends in a violation every time.
                    if !reason.isViolation { reconnector.succeeded() }
                }
                guard !Task.isCancelled else { return }
                let delay = reconnector.failed(reason, random: .random(in: .min ... .max))
                await self?.rest(delay)
            }
        }
        task.withLock { $0 = work }
    }

    /// Dials now instead of when the pause is over.
    func poke() {
        pause.withLock { $0?.cancel() }
    }

    func stop() {
        task.withLock { $0?.cancel() }
        poke()
    }

    private func rest(_ delay: Duration) async {
        let sleep = Task<Void, Never> { _ = try? await Task.sleep(for: delay) }
        pause.withLock { $0 = sleep }
        await sleep.value
    }
}
