import ParleyCRDT
import ParleyLog
import ParleySync
import ParleyTestSupport
import ParleyWire
import Testing

/// Logs that forked, because a copy of a node wrote on under the same key: whoever meets ends up
/// with all branches, whatever each side had of them.
struct BranchTests {
    /// Two copies of a node that have gone apart after some changes in common.
    private func copies(
        shared: Int, left: Int, right: Int
    ) throws -> (MemoryReplica, MemoryReplica) {
        var first = MemoryReplica(1)
        for number in 0..<shared { _ = try first.write("both \(number)") }
        var second = first
        for number in 0..<left { _ = try first.write("left \(number)") }
        for number in 0..<right { _ = try second.write("right \(number)") }
        return (first, second)
    }

    /// Somebody else who holds what a replica holds.
    private func holder(of replica: MemoryReplica, _ number: UInt8) throws -> MemoryReplica {
        var holder = MemoryReplica(number)
        for kept in replica.logs[replica.author.origin] ?? [] { _ = try holder.store(kept.bytes) }
        return holder
    }

    /// Branches of equal and of different lengths, beginning anywhere, and one that is a beginning
    /// of the other.
    @Test(
        arguments: [0, 1, 2, 5, 40].flatMap { shared in
            [(1, 1), (0, 3), (3, 0), (7, 2), (1, 30), (33, 32)].map { (shared, $0.0, $0.1) }
        })
    func bothSidesEndUpWithAllBranches(shared: Int, left: Int, right: Int) throws {
        let (first, second) = try copies(shared: shared, left: left, right: right)
        var meeting = Meeting(try holder(of: first, 2), try holder(of: second, 3))
        try meeting.run()
        try meeting.pass(milliseconds: 150)
        let clocks = meeting.replicas.map(\.clock)
        #expect(clocks[0] == clocks[1])
        #expect(clocks[0][first.author.origin].count == (left > 0 && right > 0 ? 2 : 1))
        #expect(meeting.caughtUp == [true, true] && meeting.ends == [nil, nil])
        #expect(meeting.sessions.map(\.isQuiet) == [true, true])
        let tallies = meeting.sessions.compactMap { $0.tallies[MemoryReplica.casebook] }
        // Steps that double find a place at most twice as far back as the one where they part.
        #expect(tallies.map(\.sent).reduce(0, +) <= UInt64(2 * (left + right) + 2))
    }

    /// One side holds a branch that it can't apply; a shorter one comes to the other side during their
    /// session. Only the first can tell that these parted, and does so as soon as it hears of the other.
    @Test func aShorterBranchReachesWhoWaitsOnALongerOne() throws {
        let (first, second) = try copies(shared: 0, left: 3, right: 4)
        let origin = first.author.origin
        var waiting = try holder(of: second, 3)
        waiting.withheld = [origin]
        var meeting = Meeting(MemoryReplica(2), waiting)
        try meeting.run()
        #expect(meeting.caughtUp == [true, true] && meeting.replicas[0].clock.isEmpty)
        for kept in first.logs[origin] ?? [] {
            let moved = try meeting.replicas[0].store(kept.bytes).moved
            try meeting.move(#require(moved), on: 0)
        }
        for _ in 0..<4 { try meeting.pass(milliseconds: 200) }
        #expect(meeting.replicas[1].clock[origin].map(\.sequence) == [3, 4])
        #expect(meeting.ends == [nil, nil])
    }

    /// What is written to either branch later goes out at once.
    @Test func branchesGrowOn() throws {
        let (first, second) = try copies(shared: 3, left: 2, right: 4)
        var meeting = Meeting(first, second)
        try meeting.run()
        for number in 0..<5 {
            try meeting.write("more \(number)", on: number % 2)
            try meeting.pass(milliseconds: 200)
            #expect(meeting.replicas[0].clock == meeting.replicas[1].clock)
        }
        #expect(meeting.ends == [nil, nil])
    }

    /// Whoever has all branches gives each to whoever lacks it.
    @Test func severalBranchesReachSomebodyNew() throws {
        var (first, second) = try copies(shared: 4, left: 3, right: 3)
        var third = first
        _ = try first.write("again")
        _ = try third.write("otherwise")
        var hub = MemoryReplica(2)
        for copy in [first, second, third] {
            var meeting = Meeting(copy, hub)
            try meeting.run()
            hub = meeting.replicas[1]
        }
        var meeting = Meeting(hub, MemoryReplica(3))
        try meeting.run()
        #expect(meeting.replicas[1].clock == hub.clock)
        #expect(hub.clock[first.author.origin].count == 3)
        meeting = Meeting(second, hub)
        try meeting.run()
        second = meeting.replicas[0]
        #expect(second.clock == hub.clock)
    }

    /// Many copies and holders that meet in any order come to the same.
    @Test(arguments: Seeds.fromEnvironment(default: 60))
    func everybodyEndsUpWithEverything(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var replicas = [MemoryReplica(1), MemoryReplica(2), MemoryReplica(3)]
        for step in 0..<40 {
            let index = Int.random(in: replicas.indices, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0 where replicas.count < 8: replicas.append(replicas[index])
            case 1...5: _ = try replicas[index].write("\(step)")
            default:
                let other = Int.random(in: replicas.indices, using: &random)
                guard other != index else { continue }
                try meet(index, other, &replicas)
                #expect(replicas[index].clock == replicas[other].clock)
            }
        }
        for _ in 0..<2 { for index in 1..<replicas.count { try meet(0, index, &replicas) } }
        #expect(Set(replicas.map(\.clock)).count == 1)
    }

    private func meet(_ left: Int, _ right: Int, _ replicas: inout [MemoryReplica]) throws {
        // Copies have one node between them, which meets nobody else as itself.
        var meeting = Meeting(replicas[left], replicas[right])
        try meeting.run()
        try meeting.pass(milliseconds: 150)
        #expect(meeting.ends == [nil, nil] && meeting.caughtUp == [true, true])
        replicas[left] = meeting.replicas[0]
        replicas[right] = meeting.replicas[1]
    }

    @Test func locatorsWithoutEndAreRefused() {
        let replica = MemoryReplica(1)
        var session = Session(
            side: .initiator, run: 1, openings: [replica.opening(for: MemoryReplica(2).node)],
            now: Moment(milliseconds: 0))
        let now = Moment(milliseconds: 1)
        _ = session.start(now: now)
        let casebook = Hello.Casebook(id: MemoryReplica.casebook, clockDigest: HashPrefix(1))
        _ = session.receive(.hello(Hello(run: 2, casebooks: [casebook])), now: now)
        let locator = Locator(
            casebook: 0, origin: replica.author.origin,
            points: [Tip(sequence: 1, hash: HashPrefix(1))])
        var looked = 0
        for _ in 0..<1000 {
            for action in session.receive(.locator(locator), now: now) {
                if case .findShared = action { looked += 1 }
                if case .close(let end) = action {
                    #expect(end.isViolation && looked == 1)
                    return
                }
            }
        }
        Issue.record("they were never too many")
    }
}
