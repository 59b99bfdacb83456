import NIOConcurrencyHelpers
import ParleyCRDT
import ParleyControl

/// The room on the disk that holds a home: asked before anything is written, and shown while it is
/// short.
final class DiskRoom: Sendable {
    /// What became of the last attempt to take something in.
    private enum Intake {
        case succeeded
        /// Not tried: too little room was measured.
        case withheld
        /// The store met a full disk, whatever is measured: a quota doesn't show in that.
        case failed
    }

    private let home: String
    private let measure: @Sendable (String) -> FreeSpace
    private let intake = NIOLockedValueBox(Intake.succeeded)

    private let gate: NewsGate

    init(home: String, environment: NodeEnvironment) {
        self.home = home
        gate = NewsGate(clock: environment.clock)
        measure = environment.freeSpace
    }

    /// - Throws: `refused` where there is too little room for a request.
    func check(for request: Request) throws(NodeError) {
        let space = measure(home)
        if request.isEdit, !space.allowsEdits {
            throw NodeError(
                .refused,
                "cannot write: the disk has less than 64 MiB left, and the rest is kept for revoking and erasing. Make room and try again; nothing was written."
            )
        }
        if request.protects, !space.allowsProtection {
            throw NodeError(
                .refused,
                "cannot write: the disk has less than 1 MiB left. Make room and try again; nothing was written."
            )
        }
    }

    var allowsIntake: Bool { measure(home).allowsIntake }
    var bytes: UInt64 { measure(home).bytes }
    var mebibytes: UInt64 { bytes >> 20 }

    /// Something that others sent was not taken in for want of room.
    ///
    /// - Parameter wasTried: whether the store met a full disk.
    /// - Returns: whether that is news.
    func intakeFailed(from peer: NodeID, in casebook: Digest, wasTried: Bool) -> Bool {
        gate.close(by: peer, in: casebook)
        return intake.withLockedValue { intake in
            defer { intake = wasTried ? .failed : .withheld }
            return intake == .succeeded
        }
    }

    /// Whether what is held here may be passed on; waits a little for news that was refused.
    func mayPassOn() async -> Bool { await gate.mayPassOn(isShort: !allowsIntake) }

    /// When it may at the latest, `nil` where it may now.
    var passesOnAt: Duration? { gate.opensAt }

    func intakeSucceeded(from peer: NodeID, in casebook: Digest) {
        intake.withLockedValue { $0 = .succeeded }
        gate.open(by: peer, in: casebook)
    }

    /// What a peer has to offer is here, be it that others brought it.
    func heardAll(from peer: NodeID, in casebook: Digest) {
        gate.open(by: peer, in: casebook)
    }

    /// What people must know, `nil` where there is room enough.
    var problem: NodeError? {
        let space = measure(home)
        if !space.allowsEdits {
            return NodeError(
                .refused,
                "less than 64 MiB is left on the disk of \(home): nothing is written or received any more, but for revoking and erasing. Make room; both go on by themselves then."
            )
        }
        if !space.allowsIntake {
            return NodeError(
                .refused,
                "less than 256 MiB is left on the disk of \(home): nothing is received from others any more, nor sent once something was refused, lest it goes to somebody who was shut out; edits still go in. Make room; both go on by themselves then."
            )
        }
        guard intake.withLockedValue({ $0 == .failed }) else { return nil }
        return NodeError(
            .refused,
            "the disk of \(home) was full when something was last received: the system gives this node less room than there is. Look at its quota; receiving goes on by itself then."
        )
    }
}
