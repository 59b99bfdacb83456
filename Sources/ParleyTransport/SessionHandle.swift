import NIOCore
package import ParleyCRDT

/// What moved in a store, for the sessions that pass it on.
package struct Movement: Sendable {
    package let casebook: Digest
    package let held: [Clock.Entry]
    package let applied: [Clock.Entry]
    /// Whether the changes were written on this node.
    package let isLocal: Bool

    package init(
        casebook: Digest, held: [Clock.Entry], applied: [Clock.Entry], isLocal: Bool
    ) {
        self.casebook = casebook
        self.held = held
        self.applied = applied
        self.isLocal = isLocal
    }
}

/// What one connection has done since it stood.
package struct SyncReport: Sendable {
    package let peer: NodeID
    /// Whether both sides have all that either had when asked.
    package let isComplete: Bool
    /// Changes.
    package var received: UInt64 = 0
    package var sent: UInt64 = 0
    /// Conflicts that opened here through what was received.
    package var conflicts = 0
    package var traffic = Traffic()
    /// Whether a session stood at all.
    package var wasConnected = false

    package init(peer: NodeID, isComplete: Bool) {
        self.peer = peer
        self.isComplete = isComplete
    }

    /// What came after `earlier`, of the same connection.
    func since(_ earlier: SyncReport) -> SyncReport {
        var report = self
        report.received -= earlier.received
        report.sent -= earlier.sent
        report.conflicts -= earlier.conflicts
        report.traffic.received -= earlier.traffic.received
        report.traffic.sent -= earlier.traffic.sent
        return report
    }

    /// Both together, as complete as the later one.
    package func followed(by later: SyncReport) -> SyncReport {
        var report = later
        report.received += received
        report.sent += sent
        report.conflicts += conflicts
        report.traffic.received += traffic.received
        report.traffic.sent += traffic.sent
        return report
    }

    /// Why it isn't complete, for people.
    package var reason: String {
        wasConnected ? "the connection ended or the time was up" : "not reached"
    }
}

/// A session as the rest of the node sees it: any thread may call.
package struct SessionHandle: Sendable, Hashable {
    package let connection: Connection
    /// The casebooks both sides named; empty before both have greeted.
    package let shared: [Digest]
    private let driver: NIOLoopBound<SessionDriver>

    init(connection: Connection, shared: [Digest], driver: NIOLoopBound<SessionDriver>) {
        self.connection = connection
        self.shared = shared
        self.driver = driver
    }

    package var peer: NodeID { connection.peer }

    package func moved(_ movement: Movement) {
        connection.eventLoop.execute { driver.value.moved(movement) }
    }

    /// Waits until everything both sides have now has been exchanged, or the connection ends.
    package func sync() async -> SyncReport {
        await withCheckedContinuation { continuation in
            connection.eventLoop.execute {
                driver.value.sync { continuation.resume(returning: $0) }
            }
        }
    }

    /// What has been exchanged so far.
    package func report() async -> SyncReport {
        await withCheckedContinuation { continuation in
            connection.eventLoop.execute {
                continuation.resume(returning: driver.value.report(isComplete: false))
            }
        }
    }

    /// Closes because another connection between the same two runs stays.
    package func supersede() {
        connection.eventLoop.execute { driver.value.supersede() }
    }

    /// Says what is owed, then closes.
    package func stop() {
        connection.eventLoop.execute { driver.value.stop() }
    }

    package static func == (left: SessionHandle, right: SessionHandle) -> Bool {
        left.connection === right.connection
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(connection))
    }
}
