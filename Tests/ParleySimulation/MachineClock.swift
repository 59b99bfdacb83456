import NIOConcurrencyHelpers
import ParleyStore
import ParleyTestSupport

/// The time of the world, and what one machine's wall clock makes of it; and the machine's chance.
///
/// `Sendable`, because stores ask from threads of their own, one after the other.
final class MachineClock: Sendable {
    private struct State {
        var now: UInt64 = 0
        /// Of the wall clock against the time of the world, in milliseconds.
        var offset: Int64 = 0
        /// Parts of a million by which the wall clock is too fast.
        var drift: Int64 = 0
        /// What the wall clock shows where it stands still.
        var stopped: UInt64?
        /// The latest that the wall clock ever showed to somebody.
        var latest: UInt64 = 0
        var random: SeededGenerator
    }

    private static let start: Int64 = 1_700_000_000_000
    private let state: NIOLockedValueBox<State>

    init(seed: UInt64) {
        state = NIOLockedValueBox(State(random: SeededGenerator(seed: seed)))
    }

    var now: UInt64 {
        get { state.withLockedValue { $0.now } }
        set { state.withLockedValue { $0.now = newValue } }
    }

    var wall: UInt64 {
        state.withLockedValue { state in
            let wall = MachineClock.wall(state)
            state.latest = max(state.latest, wall)
            return wall
        }
    }

    var latest: UInt64 { state.withLockedValue { $0.latest } }

    /// What was copied with the disk of another machine.
    func inherit(_ latest: UInt64) { state.withLockedValue { $0.latest = max($0.latest, latest) } }

    private static func wall(_ state: State) -> UInt64 {
        let passed = Int64(state.now)
        let drifted = passed + passed / 1_000_000 * state.drift
        return state.stopped ?? UInt64(max(0, start + state.offset + drifted))
    }

    func set(offset: Int64, drift: Int64) {
        state.withLockedValue { ($0.offset, $0.drift, $0.stopped) = (offset, drift, nil) }
    }

    func stop() { state.withLockedValue { $0.stopped = MachineClock.wall($0) } }

    var environment: StoreEnvironment {
        StoreEnvironment(
            wallMilliseconds: { self.wall },
            randomBytes: { count in
                self.state.withLockedValue { state in
                    (0..<count).map { _ in UInt8(truncatingIfNeeded: state.random.next() >> 40) }
                }
            })
    }
}
