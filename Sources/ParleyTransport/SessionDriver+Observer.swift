package import ParleyWire

extension SessionDriver {
    /// What the node wants to hear of.
    package struct Observer: Sendable {
        /// The session stands: both sides have greeted. The number is the peer's run.
        package let opened: @Sendable (SessionHandle, UInt64) -> Void
        package let closed: @Sendable (SessionHandle, SessionOutcome) -> Void
        /// The inviter has admitted us.
        package let welcomed: @Sendable (Ticket) -> Void

        package init(
            opened: @escaping @Sendable (SessionHandle, UInt64) -> Void,
            closed: @escaping @Sendable (SessionHandle, SessionOutcome) -> Void,
            welcomed: @escaping @Sendable (Ticket) -> Void
        ) {
            self.opened = opened
            self.closed = closed
            self.welcomed = welcomed
        }
    }
}
