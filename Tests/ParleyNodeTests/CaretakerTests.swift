import ParleyCRDT
import ParleyControl
import ParleyLog
import ParleyNode
import Testing

/// When casebooks are tidied up.
@Suite(.timeLimit(.minutes(2)))
struct CaretakerTests {
    private let casebook = Hashing.digest([1])
    private let other = Hashing.digest([2])

    @Test func aQuietCasebookIsTidiedAfterAPause() {
        var schedule = TidySchedule()
        #expect(schedule.nextDue == nil)
        schedule.touched(casebook, at: .seconds(10))
        schedule.touched(casebook, at: .seconds(11))
        #expect(schedule.nextDue == .seconds(13))
        #expect(schedule.take(at: .seconds(12)).isEmpty)
        #expect(schedule.take(at: .seconds(13)) == [casebook])
        #expect(schedule.nextDue == nil)
    }

    @Test func aBusyCasebookIsTidiedInTheEnd() {
        var schedule = TidySchedule()
        for second in 0..<30 { schedule.touched(casebook, at: .seconds(second)) }
        #expect(schedule.nextDue == .seconds(30))
        schedule.touched(other, at: .seconds(29))
        #expect(schedule.take(at: .seconds(31)) == [casebook, other].sorted())
        schedule.touched(casebook, at: .seconds(31))
        #expect(schedule.nextDue == .seconds(33))
    }

    /// A further touch never makes anything due earlier than what was due before: whoever sleeps
    /// until then oversleeps nothing.
    @Test func aTouchBringsNothingForward() {
        var schedule = TidySchedule()
        var generator = SystemRandomNumberGenerator()
        for step in 0..<1000 {
            let due = schedule.nextDue ?? .zero
            schedule.touched(
                Bool.random(using: &generator) ? casebook : other, at: .milliseconds(step * 100))
            #expect((schedule.nextDue ?? .zero) >= min(due, .milliseconds(step * 100)))
            _ = schedule.take(at: .milliseconds(step * 100))
        }
    }

    /// With an edit each second, which never leaves two seconds of quiet, words are indexed all the
    /// same.
    @Test func editsEachSecondAreIndexed() async throws {
        let (homes, clock, log) = (try Homes(), ManualClock(), NotedLog())
        let node = try await RunningNode.start(
            homes["amal"], environment: NodeEnvironment(clock: clock.nodeClock), log: log)
        _ = try await node.ask(.createCasebook(name: "exchanges"))
        _ = try await node.ask(.new("note", "title=the first"))
        // The caretaker has seen it.
        _ = await clock.sleeps.first { _ in true }
        for number in 1..<40 {
            _ = try await node.ask(.new("note", "title=note \(number)"))
            clock.advance(by: .seconds(1))
        }
        await log.line(containing: "tidied")
        let left = try await node.json(.indexBacklog)["records"]?.number
        #expect(Int(left ?? "40") ?? 40 < 40)
        await node.stop()
    }
}
