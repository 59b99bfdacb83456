import Synchronization

/// An answer that comes once, from whichever side is first: what was waited for, the clock, or the
/// cancelling of who waits.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case open([CheckedContinuation<Value, Never>])
        case done(Value)
    }

    private let state = Mutex(State.open([]))
    /// The answer where none came in time.
    private let fallback: Value

    /// Answers by itself with `fallback` when the time is up, or when who waits is cancelled.
    init(orAfter timeout: Duration? = nil, _ fallback: Value) {
        self.fallback = fallback
        guard let timeout else { return }
        Task { [weak self] in
            try? await Task.sleep(for: timeout)
            self?.finish(fallback)
        }
    }

    /// Answers; without effect from the second time on.
    func finish(_ value: Value) {
        let waiters = state.withLock { state -> [CheckedContinuation<Value, Never>] in
            guard case .open(let waiters) = state else { return [] }
            state = .done(value)
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: value) }
    }

    var value: Value {
        get async {
            await withTaskCancellationHandler {
                await withCheckedContinuation { wait($0) }
            } onCancel: {
                finish(fallback)
            }
        }
    }

    private func wait(_ continuation: CheckedContinuation<Value, Never>) {
        let known = state.withLock { state -> Value? in
            switch state {
            case .done(let value):
                return value
            case .open(let waiters):
                state = .open(waiters + [continuation])
                return nil
            }
        }
        if let known { continuation.resume(returning: known) }
    }
}
