import Synchronization

/// An answer that comes once, from whichever side is first: what was waited for, or the clock.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case open([CheckedContinuation<Value, Never>])
        case done(Value)
    }

    private let state = Mutex(State.open([]))

    init() {}

    /// Answers by itself with `fallback` when the time is up.
    init(orAfter timeout: Duration, _ fallback: Value) {
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
            await withCheckedContinuation { continuation in
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
    }
}
