import NIOConcurrencyHelpers
import ParleyNode

/// A clock that stands still until a test moves it.
final class ManualClock: Sendable {
    private struct State {
        var now = Duration.zero
        var slept: [Duration] = []
        var lastSleeper = 0
        var sleepers: [Int: (due: Duration, wake: CheckedContinuation<Void, any Error>)] = [:]
    }

    private let state = NIOLockedValueBox(State())
    /// For how long somebody goes to sleep, as it happens.
    let sleeps: AsyncStream<Duration>
    private let notes: AsyncStream<Duration>.Continuation

    init() {
        (sleeps, notes) = AsyncStream.makeStream()
    }

    var nodeClock: NodeClock {
        NodeClock(
            now: { self.state.withLockedValue { $0.now } }, sleep: { try await self.sleep($0) })
    }

    /// All there was in `sleeps` so far.
    var slept: [Duration] { state.withLockedValue { $0.slept } }

    /// Wakes those whose time has come.
    func advance(by time: Duration) {
        let due = state.withLockedValue { state in
            state.now += time
            let due = state.sleepers.filter { $0.value.due <= state.now }
            for sleeper in due.keys { state.sleepers[sleeper] = nil }
            return due.values.map(\.wake)
        }
        for wake in due { wake.resume() }
    }

    private func sleep(_ time: Duration) async throws {
        let sleeper = state.withLockedValue { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { enter(sleeper, for: time, $0) }
        } onCancel: {
            state.withLockedValue { $0.sleepers.removeValue(forKey: sleeper) }?.wake
                .resume(throwing: CancellationError())
        }
    }

    private func enter(
        _ sleeper: Int, for time: Duration, _ wake: CheckedContinuation<Void, any Error>
    ) {
        let isAwake = state.withLockedValue { state in
            state.slept.append(time)
            // A cancelled task's handler has run before; one cancelled from here on waits for this.
            if Task.isCancelled || time <= .zero { return true }
            state.sleepers[sleeper] = (state.now + time, wake)
            return false
        }
        notes.yield(time)
        guard isAwake else { return }
        wake.resume(with: Task.isCancelled ? .failure(CancellationError()) : .success(()))
    }
}
