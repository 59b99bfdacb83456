import ParleyCRDT
import ParleyLog
import ParleyModel
import ParleySync
import ParleyWire
import Testing

struct SessionTests {
    @Test func bothSidesEndUpWithEverything() throws {
        var (left, right) = (MemoryReplica(1), MemoryReplica(2))
        for number in 0..<50 {
            _ = try left.write("left \(number)")
            _ = try right.write("right \(number)")
        }
        var meeting = Meeting(left, right)
        try meeting.run()
        try meeting.pass(milliseconds: 60)
        #expect(meeting.replicas[0].clock == meeting.replicas[1].clock)
        #expect(meeting.caughtUp == [true, true])
        #expect(meeting.heardAll == [true, true])
        #expect(meeting.ends == [nil, nil])
    }

    /// Nothing to do costs one round trip: two hellos and not a byte more.
    @Test func equalClocksEndInOneRoundTrip() throws {
        var (left, right) = (MemoryReplica(1), MemoryReplica(2))
        _ = try left.write("known")
        _ = try right.store(left.logs[left.author.origin]![0].bytes)
        var meeting = Meeting(left, right)
        try meeting.run()
        #expect(meeting.caughtUp == [true, true])
        #expect(meeting.sentBytes.allSatisfy { $0 <= 78 }, "with 22 bytes of TLS: at most 100")
    }

    /// A second meeting names only what moved, because each remembers what the other said.
    @Test func aSecondMeetingTellsOnlyWhatMoved() throws {
        var hub = MemoryReplica(1)
        for number in 10..<60 {
            var other = MemoryReplica(UInt8(number))
            _ = try other.write("from \(number)")
            _ = try hub.store(other.logs[other.author.origin]![0].bytes)
        }
        var first = Meeting(hub, MemoryReplica(2))
        try first.run()
        try first.pass(milliseconds: 60)
        #expect(first.replicas[0].clock == first.replicas[1].clock)
        _ = try first.replicas[0].write("news")
        var second = Meeting(first.replicas[0], first.replicas[1])
        try second.run()
        #expect(second.replicas[0].clock == second.replicas[1].clock)
        let whole = 50 * 60
        #expect(second.sentBytes[0] < whole / 4)
    }

    /// Memory that is wrong, for instance after a restore, shows in the digest and is mended.
    @Test func staleMemoryOfThePeerIsMended() throws {
        var (left, right) = (MemoryReplica(1), MemoryReplica(2))
        _ = try left.write("one")
        _ = try right.write("two")
        left.told[right.node] = left.clock
        right.heard[left.node] = Clock()
        left.heard[right.node] = left.clock
        var meeting = Meeting(left, right)
        try meeting.run()
        #expect(meeting.replicas[0].clock == meeting.replicas[1].clock)
    }

    @Test func anEditGoesOutAtOnceWhileBothAreConnected() throws {
        var meeting = Meeting(MemoryReplica(1), MemoryReplica(2))
        try meeting.run()
        try meeting.write("live", on: 0)
        #expect(meeting.replicas[1].clock == meeting.replicas[0].clock)
    }

    /// A relayed change waits 100 ms, and isn't sent to a peer that has it by then.
    @Test func aRelayedChangeWaitsForPeersThatMayHaveItAlready() throws {
        var third = MemoryReplica(3)
        let entry = try third.write("from afar")
        let bytes = third.logs[third.author.origin]![0].bytes
        var meeting = Meeting(MemoryReplica(1), MemoryReplica(2))
        try meeting.run()
        _ = try meeting.replicas[0].store(bytes)
        try meeting.move(entry, on: 0)
        try meeting.pass(milliseconds: 99)
        #expect(meeting.replicas[1].clock.isEmpty)
        try meeting.pass(milliseconds: 1)
        #expect(meeting.replicas[1].clock == meeting.replicas[0].clock)
    }

    @Test func aRelayedChangeIsNotSentToAPeerThatSaidItHasIt() throws {
        var third = MemoryReplica(3)
        let entry = try third.write("from afar")
        let bytes = third.logs[third.author.origin]![0].bytes
        var meeting = Meeting(MemoryReplica(1), MemoryReplica(2))
        try meeting.run()
        let before = meeting.sentBytes[0]
        for side in 0...1 {
            _ = try meeting.replicas[side].store(bytes)
            try meeting.move(entry, on: side)
        }
        try meeting.pass(milliseconds: 60)
        try meeting.pass(milliseconds: 60)
        #expect(meeting.sentBytes[0] - before < bytes.count)
        #expect(meeting.sessions[0].tallies[MemoryReplica.casebook]?.sent == 0)
    }

    @Test func anAlteredBatchEndsTheSessionAndChangesNothing() throws {
        var left = MemoryReplica(1)
        _ = try left.write("true")
        var meeting = Meeting(left, MemoryReplica(2))
        meeting.tamper = { side, bytes in
            guard side == 1, bytes[0] == Message.Tag.batch.rawValue else { return bytes }
            var bytes = bytes
            bytes[bytes.count - 1] ^= 1
            return bytes
        }
        try meeting.run()
        #expect(meeting.ends[1]?.isViolation == true)
        #expect(meeting.replicas[1].clock.isEmpty)
    }

    /// A run that is applied in part can't be cut, so it waits, and then goes out from its start.
    @Test func aRunThatCannotBeOfferedYetGoesOutWholeLater() throws {
        var left = MemoryReplica(1)
        _ = try left.write("one")
        left.withheld = [left.author.origin]
        var meeting = Meeting(left, MemoryReplica(2))
        try meeting.run()
        #expect(meeting.replicas[1].clock.isEmpty)
        #expect(meeting.caughtUp == [true, true])
        meeting.replicas[0].withheld = []
        try meeting.write("two", on: 0)
        #expect(meeting.replicas[1].clock == meeting.replicas[0].clock)
        #expect(meeting.ends == [nil, nil])
    }

    /// A read that began before the log could be offered mustn't hide that it can be now.
    @Test func whatIsAppliedDuringAReadGoesOut() throws {
        var left = MemoryReplica(1)
        _ = try left.write("one")
        left.withheld = [left.author.origin]
        var meeting = Meeting(left, MemoryReplica(2))
        meeting.whileReading = { meeting in
            meeting.replicas[0].withheld = []
            let entry = try meeting.replicas[0].write("two")
            try meeting.move(entry, on: 0)
        }
        try meeting.run()
        try meeting.pass(milliseconds: 200)
        #expect(meeting.replicas[1].clock == meeting.replicas[0].clock)
    }

    /// Who waits for one batch isn't kept waiting; many soon after each other cost few frames.
    @Test func aFirstAcknowledgementComesAtOnceAndFurtherOnesAreGathered() throws {
        var meeting = Meeting(MemoryReplica(1), MemoryReplica(2))
        try meeting.run()
        try meeting.pass(milliseconds: 100)
        try meeting.write("one", on: 0)
        try meeting.pass(milliseconds: 0)
        #expect(meeting.sessions[0].isQuiet)
        try meeting.write("two", on: 0)
        try meeting.pass(milliseconds: 0)
        #expect(!meeting.sessions[0].isQuiet)
        try meeting.write("three", on: 0)
        let sent = meeting.sentBytes[1]
        try meeting.pass(milliseconds: 49)
        #expect(meeting.sentBytes[1] == sent)
        try meeting.pass(milliseconds: 1)
        #expect(meeting.sessions[0].isQuiet)
    }

    /// What the store had already is acknowledged too: its sender waits and can't know.
    @Test func aRepeatIsAcknowledged() throws {
        var third = MemoryReplica(3)
        let entry = try third.write("from afar")
        let batch = third.outgoing(
            third.logs[third.author.origin]![0], of: third.author.origin)
        var meeting = Meeting(MemoryReplica(1), MemoryReplica(2))
        try meeting.run()
        for side in 0...1 {
            _ = try meeting.replicas[side].store(batch.bytes)
            try meeting.move(entry, on: side)
        }
        _ = meeting.sessions[0].supply(
            casebook: MemoryReplica.casebook, OutgoingRead(batches: [batch]), now: meeting.now)
        let wasQuiet = meeting.sessions[0].isQuiet
        #expect(!wasQuiet)
        meeting.wire.append((1, Message.batch(casebook: 0, bytes: batch.bytes).encoded()))
        try meeting.settle()
        try meeting.pass(milliseconds: 60)
        try meeting.pass(milliseconds: 60)
        let isQuiet = meeting.sessions[0].isQuiet
        #expect(isQuiet)
    }

    /// Sending stops at 4 MiB that nobody has confirmed, and goes on when they are.
    @Test func sendingPausesUntilBatchesAreAcknowledged() throws {
        var left = MemoryReplica(1)
        let text = String(repeating: "x", count: 60_000)
        for number in 0..<200 { _ = try left.write("\(number)\(text.hashValue)" + text.shuffled()) }
        var meeting = Meeting(left, MemoryReplica(2))
        try meeting.run()
        while meeting.replicas[1].clock != meeting.replicas[0].clock {
            let before = meeting.sentBytes[0]
            try meeting.pass(milliseconds: 50)
            try #require(meeting.sentBytes[0] > before, "nothing moves")
            #expect(meeting.sentBytes[0] - before <= Limits.unacknowledgedBytesPerPeer)
        }
    }
}
