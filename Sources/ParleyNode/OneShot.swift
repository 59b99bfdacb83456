import NIOConcurrencyHelpers

/// An answer that comes once, from whichever side is first: what was waited for, the clock of who
/// waits, or the cancelling of it.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case open([CheckedContinuation<Value, Never>])
        case done(Value)
    }

    private let state = NIOLockedValueBox(State.open([]))
    /// The answer where none came in time, or before who waits was cancelled.
    private let fallback: Value

    init(_ fallback: Value) {
        self.fallback = fallback
    }

    /// Answers; without effect from the second time on.
    func finish(_ value: Value) {
        let waiters = state.withLockedValue { state -> [CheckedContinuation<Value, Never>] in
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

    /// The same, waiting no longer than this; then `fallback` is the answer to everybody.
    func value(within timeout: Duration, by clock: NodeClock = .system) async -> Value {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                guard (try? await clock.sleep(timeout)) != nil else { return }
                finish(fallback)
            }
            defer { group.cancelAll() }
            return await value
        }
    }

    private func wait(_ continuation: CheckedContinuation<Value, Never>) {
        let known = state.withLockedValue { state -> Value? in
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
