import ParleyCRDT
import ParleySync
import ParleyTestSupport
import ParleyTransport
import ParleyWire

/// One connection: frames arrive in order and whole, or not at all.
final class Line {
    let number: Int
    let ends: [End]
    private(set) var isOpen = true
    /// Frames under way, of both directions, in the order sent.
    var arrival: [UInt64] = [0, 0]
    /// Directions in which nothing arrives any more.
    var isStalled = [false, false]
    private var random: SeededGenerator

    init(number: Int, dialler: Machine, answerer: Machine, seed: UInt64) {
        self.number = number
        random = SeededGenerator(seed: seed)
        ends = [
            End(dialler, peer: answerer, isInitiator: true),
            End(answerer, peer: dialler, isInitiator: false),
        ]
    }

    func close() {
        isOpen = false
        for end in ends { end.session = nil }
    }

    /// A delay below a bound, mostly far below it.
    func delay(_ bound: Int) -> UInt64 {
        UInt64(random.below(random.chance(percent: 90) ? bound / 8 + 1 : bound + 1))
    }

    /// Does to frames what a member may do who has turned against the others.
    func spoil(_ frames: inout [[UInt8]]) {
        guard random.chance(percent: 8), var frame = frames.first else { return }
        switch random.below(5) {
        case 0: frames = []
        case 1: frames.append(frame)
        case 2: frames = [Array(frame.prefix(random.below(frame.count + 1)))]
        case 3: frames = [frame + [UInt8(random.below(256))]]
        default:
            frame[random.below(frame.count)] ^= 1 << UInt8(random.below(8))
            frames = [frame]
        }
    }

    func joins(_ one: Machine, _ other: Machine) -> Bool {
        Set(ends.map(\.machine.index)) == [one.index, other.index]
    }

    /// One machine's side, as the driver of a session keeps it.
    final class End {
        let machine: Machine
        let peer: Machine
        let isInitiator: Bool
        var session: Session?
        var openings: [Digest: Reconciliation.Opening] = [:]
        /// What came while the store was being read.
        var early: [Message] = []
        var isLoading = false
        var hasOpened = false
        /// Whether this side is done, and the other will hear of it.
        var hasHungUp = false
        var intake = BatchIntake()
        /// When it is to look at the time next.
        var alarm: UInt64?

        init(_ machine: Machine, peer: Machine, isInitiator: Bool) {
            self.machine = machine
            self.peer = peer
            self.isInitiator = isInitiator
        }
    }
}
