import ParleyCRDT
import ParleyLog
import ParleySync
import ParleyWire
import Testing

/// What one side holds without all that belongs to it is asked for again and answered.
struct WantTests {
    private func single(_ origin: Origin, _ sequence: UInt64) -> ChangeRange {
        ChangeRange(origin: origin, sequences: sequence...sequence)
    }

    /// Two replicas that hold the same log of a third.
    private func holders(of count: Int) throws -> (MemoryReplica, MemoryReplica, Origin) {
        var author = MemoryReplica(1)
        for number in 0..<count { _ = try author.write("change \(number)") }
        var (left, right) = (MemoryReplica(2), MemoryReplica(3))
        for kept in author.logs[author.author.origin] ?? [] {
            _ = try left.store(kept.bytes)
            _ = try right.store(kept.bytes)
        }
        return (left, right, author.author.origin)
    }

    /// Also more of it than one round asks for, and in both directions.
    @Test(arguments: [1, 64, 65, 200])
    func whatIsLackingComesAgain(count: Int) throws {
        var (left, right, origin) = try holders(of: 2 * count)
        left.missing = (1...count).map { single(origin, UInt64($0)) }
        right.missing = (count + 1...2 * count).map { single(origin, UInt64($0)) }
        var meeting = Meeting(left, right)
        try meeting.run()
        for _ in 0...count / 64 { try meeting.pass(milliseconds: 150) }
        #expect(meeting.replicas.map(\.missing.count) == [0, 0])
        #expect(meeting.ends == [nil, nil])
        #expect(meeting.sessions.map(\.isQuiet) == [true, true])
        #expect(meeting.sessions.map(\.unacknowledgedBytes) == [0, 0])
    }

    /// Somebody who lacks it too says nothing, and is asked once.
    @Test func whatNobodyHasIsAskedForOnce() throws {
        var (left, right, origin) = try holders(of: 5)
        left.missing = [single(origin, 2), single(origin, 4)]
        right.missing = [single(origin, 2)]
        var meeting = Meeting(left, right)
        try meeting.run()
        try meeting.write("news", on: 1)
        try meeting.pass(milliseconds: 150)
        #expect(meeting.replicas.map(\.missing) == [[single(origin, 2)], [single(origin, 2)]])
        #expect(meeting.sessions.map(\.isQuiet) == [true, true])
        let tallies = meeting.sessions.compactMap { $0.tallies[MemoryReplica.casebook] }
        #expect(tallies.map(\.sent) == [0, 2])
    }

    /// What the peer can't answer doesn't stand in the way of what it can.
    @Test func whatComesBehindWhatNobodyHasComes() throws {
        var (left, right, origin) = try holders(of: 100)
        left.missing = (1...100).map { single(origin, UInt64($0)) }
        right.missing = (1...80).map { single(origin, UInt64($0)) }
        var meeting = Meeting(left, right)
        try meeting.run()
        for _ in 0..<3 { try meeting.pass(milliseconds: 150) }
        #expect(meeting.replicas[0].missing.count == 80)
        #expect(meeting.sessions.map(\.isQuiet) == [true, true])
    }

    /// What turns out to be lacking in the middle of a session is asked for then.
    @Test func whatTurnsUpLaterIsAskedForLater() throws {
        let (left, right, origin) = try holders(of: 3)
        var meeting = Meeting(left, right)
        try meeting.run()
        meeting.replicas[0].missing = [single(origin, 3)]
        try meeting.write("news", on: 1)
        try meeting.pass(milliseconds: 150)
        #expect(meeting.replicas[0].missing == [])
    }

    /// Whoever asks isn't done before the peer says that it has answered.
    @Test func whoAsksWaitsForTheAnswer() throws {
        var (left, right, origin) = try holders(of: 3)
        left.missing = [single(origin, 2)]
        var meeting = Meeting(left, right)
        var wants = 0
        meeting.tamper = { _, bytes in
            guard case .want = try? Message(tag: bytes[0], payload: Array(bytes.dropFirst())) else {
                return wants > 0 && bytes[0] == Message.Tag.pong.rawValue ? nil : bytes
            }
            wants += 1
            return nil
        }
        try meeting.run()
        try meeting.pass(milliseconds: 150)
        #expect(meeting.caughtUp == [true, true])
        #expect(meeting.sessions.map(\.isQuiet) == [false, true])
    }

    @Test func wantsWithoutEndAreRefused() throws {
        let (replica, _, origin) = try holders(of: 1)
        let now = Moment(milliseconds: 1)
        var session = Session(
            side: .initiator, run: 1, openings: [replica.opening(for: MemoryReplica(9).node)],
            now: now)
        _ = session.start(now: now)
        let casebook = Hello.Casebook(
            id: MemoryReplica.casebook, clockDigest: replica.clock.digest)
        _ = session.receive(.hello(Hello(run: 2, casebooks: [casebook])), now: now)
        var reads = 0
        for _ in 0..<1000 {
            let want = Message.want(Want(casebook: 0, range: single(origin, 1)))
            for action in session.receive(want, now: now) {
                if case .read = action { reads += 1 }
                if case .close(let end) = action {
                    #expect(end.isViolation && reads == 1)
                    return
                }
            }
        }
        Issue.record("they were never too many")
    }
}
