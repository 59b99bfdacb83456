package import ParleyCRDT

extension Reconciliation {
    /// What this side brings to the meeting.
    package struct Opening: Equatable, Sendable {
        package let casebook: Digest
        /// Held here when the session begins; the hello's digest is of this.
        package let clock: Clock
        /// Of that, what is applied: only this is offered, so that it can always be completed.
        package let applied: Clock
        /// The entries of `clock` that moved since this peer was last told.
        package let untold: [Clock.Entry]
        /// What the peer has told of its own clock, at earlier meetings.
        package let heard: Clock

        package init(
            casebook: Digest, clock: Clock, applied: Clock, untold: [Clock.Entry], heard: Clock
        ) {
            self.casebook = casebook
            self.clock = clock
            self.applied = applied
            self.untold = untold
            self.heard = heard
        }
    }
}
