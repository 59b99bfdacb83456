import NIOCore
package import ParleyCRDT
package import ParleyModel

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
    /// How many conflicts are open in records that were touched by what was received.
    package var openConflicts: [RecordID: Int] = [:]
    /// Groups that came in and that nobody here can interpret.
    package var uninterpreted = 0
    /// Bytes on the wire, those of TLS included.
    package var traffic = Traffic()
    /// Bytes of the batches' columns before compression.
    package var columns = Traffic()
    package var conflicts: Int { openConflicts.values.reduce(0, +) }
    /// Whether a session stood at all.
    package var wasConnected = false
    /// Why it ended before all was exchanged, `nil` where it didn't end.
    package var failure: CloseReason?

    package init(peer: NodeID, isComplete: Bool) {
        self.peer = peer
        self.isComplete = isComplete
    }

    /// What came after `earlier`, of the same connection. Conflicts are those since then anyway.
    func since(_ earlier: SyncReport?) -> SyncReport {
        guard let earlier else { return self }
        var report = self
        report.received -= earlier.received
        report.sent -= earlier.sent
        report.uninterpreted -= earlier.uninterpreted
        report.traffic = traffic - earlier.traffic
        report.columns = columns - earlier.columns
        return report
    }

    /// Both together, as complete as the later one.
    package func followed(by later: SyncReport) -> SyncReport {
        var report = later
        report.received += received
        report.sent += sent
        report.openConflicts = openConflicts.merging(later.openConflicts) { _, later in later }
        report.uninterpreted += uninterpreted
        report.traffic = report.traffic + traffic
        report.columns = report.columns + columns
        return report
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

    /// Tells the peer where members can be reached by what is known now.
    package func passOnAddresses() {
        connection.eventLoop.execute { driver.value.passOnAddresses() }
    }

    /// Waits until everything both sides have now has been exchanged, or the connection ends. When
    /// cancelled, answers with what has been exchanged so far.
    package func sync() async -> SyncReport {
        let request = SyncRequest()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                connection.eventLoop.execute {
                    driver.value.sync(request) { continuation.resume(returning: $0) }
                }
            }
        } onCancel: {
            request.giveUp()
            connection.eventLoop.execute { driver.value.giveUp(request) }
        }
    }

    /// What has been exchanged since that was last told.
    package func progress() async -> SyncReport {
        await withCheckedContinuation { continuation in
            connection.eventLoop.execute {
                continuation.resume(returning: driver.value.progress())
            }
        }
    }

    /// Closes because another connection between the same two runs stays.
    package func supersede() {
        connection.eventLoop.execute { driver.value.supersede() }
    }

    /// Closes because the peer belongs to nothing here any more.
    package func revoke() {
        connection.eventLoop.execute { driver.value.revoke() }
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
