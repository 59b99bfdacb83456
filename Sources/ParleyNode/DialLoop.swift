import NIOConcurrencyHelpers
package import ParleyTransport

/// Keeps trying to be connected to one peer: dials its addresses, newest first, waits with full
/// jitter after failures, and rests while a session stands, whoever dialled it.
package final class DialLoop: Sendable {
    private struct State {
        var pause: Task<Void, Never>?
        /// Whether somebody asked to dial now; kept until a pause would begin, so that it isn't
        /// lost on a dial that was under way.
        var isPoked = false
        var work: Task<Void, Never>?
    }

    private let clock: NodeClock
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - dial: tries every address once; returns why it failed, `nil` when connected.
    ///   - ended: returns when the session with the peer has ended, and how.
    package init(
        clock: NodeClock,
        dial: @escaping @Sendable () async -> CloseReason?,
        ended: @escaping @Sendable () async -> SessionOutcome
    ) {
        self.clock = clock
        let work = Task { [weak self] in
            var reconnector = Reconnector()
            while !Task.isCancelled {
                let reason: CloseReason
                if let failure = await dial() {
                    reason = failure
                } else {
                    let outcome = await ended()
                    reason = outcome.reason
                    // Greeting each other is no success yet if it ends badly every time.
                    if outcome.hasSettled, !reason.isViolation { reconnector.succeeded() }
                }
                guard !Task.isCancelled else { return }
                let delay = reconnector.failed(reason, random: .random(in: .min ... .max))
                await self?.rest(delay)
            }
        }
        state.withLockedValue { $0.work = work }
    }

    /// Dials now instead of when the pause is over.
    package func poke() {
        let pause = state.withLockedValue { state in
            state.isPoked = true
            return state.pause
        }
        pause?.cancel()
    }

    /// Ends it for good; a dial under way is left to itself.
    package func stop() {
        let work = state.withLockedValue { $0.work }
        work?.cancel()
        poke()
    }

    private func rest(_ delay: Duration) async {
        let sleep = Task<Void, Never> { [clock] in _ = try? await clock.sleep(delay) }
        let isPoked = state.withLockedValue { state in
            state.pause = sleep
            return state.isPoked
        }
        if isPoked { sleep.cancel() }
        await sleep.value
        state.withLockedValue { state in
            state.pause = nil
            state.isPoked = false
        }
    }
}
