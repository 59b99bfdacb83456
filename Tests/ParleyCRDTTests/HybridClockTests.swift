import ParleyCRDT
import ParleyHistories
import ParleyTestSupport
import Testing

struct HybridClockTests {
    @Test func followsAWallClockThatAdvances() {
        var clock = HybridClock()
        let readings = [1_000, 1_001].map { clock.tick(wallMilliseconds: $0) }
        #expect(readings == [1_000, 1_001].map { HybridTime(milliseconds: $0) })
    }

    @Test func countsWithinOneMillisecond() {
        var clock = HybridClock()
        _ = clock.tick(wallMilliseconds: 1_000)
        let second = clock.tick(wallMilliseconds: 1_000)
        #expect(second == HybridTime(milliseconds: 1_000, counter: 1))
    }

    @Test func goesOnFromItsMarkWhenTheWallClockJumpsBack() {
        var clock = HybridClock(mark: HybridTime(milliseconds: 5_000, counter: 7))
        let next = clock.tick(wallMilliseconds: 1_000)
        #expect(next == HybridTime(milliseconds: 5_000, counter: 8))
    }

    @Test func anOverflowingCounterBorrowsAMillisecond() {
        var clock = HybridClock(mark: HybridTime(milliseconds: 5_000, counter: .max))
        let next = clock.tick(wallMilliseconds: 5_000)
        #expect(next == HybridTime(milliseconds: 5_001))
    }

    @Test func followsAPeerWhoseClockIsAhead() {
        var clock = HybridClock(mark: HybridTime(milliseconds: 1_000))
        let time = HybridTime(milliseconds: 9_000, counter: 3)
        let isPlausible = clock.observe(time, wallMilliseconds: 1_000)
        #expect(isPlausible)
        let next = clock.tick(wallMilliseconds: 1_000)
        #expect(next == HybridTime(milliseconds: 9_000, counter: 4))
    }

    @Test func aPeerBehindMovesNothing() {
        var clock = HybridClock(mark: HybridTime(milliseconds: 9_000))
        let isPlausible = clock.observe(HybridTime(milliseconds: 1_000), wallMilliseconds: 9_000)
        #expect(isPlausible)
        #expect(clock.mark == HybridTime(milliseconds: 9_000))
    }

    @Test func aPeerMovesUsByFiveMinutesAtMost() {
        let wall: UInt64 = 1_000_000
        let lead = HybridClock.maximumLeadMilliseconds
        #expect(lead == 300_000)
        var clock = HybridClock()
        let accepted = [wall + lead, wall + lead + 1, .max].map {
            clock.observe(HybridTime(milliseconds: $0), wallMilliseconds: wall)
        }
        #expect(accepted == [true, false, false])
        #expect(clock.mark.milliseconds == wall + lead)
    }

    @Test func aWallClockBeyondFortyEightBitsIsNotThePast() {
        #expect(HybridTime(milliseconds: 1 << 48) == HybridTime(milliseconds: 1 << 48 - 1))
        var clock = HybridClock()
        let reading = clock.tick(wallMilliseconds: .max)
        #expect(reading == HybridTime(milliseconds: .max))
        let isPlausible = clock.observe(.last, wallMilliseconds: .max)
        #expect(isPlausible)
        let afterTheLast = clock.tick(wallMilliseconds: .max)
        #expect(afterTheLast == .last, "stands still and doesn't trap")
    }

    @Test func fieldsShareOneNumber() {
        let time = HybridTime(milliseconds: 1_700_000_000_123, counter: 42)
        #expect(time.milliseconds == 1_700_000_000_123)
        #expect(time.counter == 42)
        #expect(HybridTime(rawValue: time.rawValue) == time)
        #expect(time < HybridTime(milliseconds: 1_700_000_000_124))
    }

    @Test(arguments: Seeds.fromEnvironment(default: 50))
    func readingsIncreaseStrictlyWhateverHappens(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var clock = HybridClock()
        for _ in 0..<200 {
            let before = clock.mark
            let wall = UInt64(random.below(1_000_000))
            if random.chance(percent: 30) {
                let time = HybridTime(rawValue: random.next() >> UInt64(random.below(64)))
                _ = clock.observe(time, wallMilliseconds: wall)
            } else {
                let reading = clock.tick(wallMilliseconds: wall)
                #expect(reading > before, "reproduce: PARLEY_SEED=\(seed)")
            }
            #expect(clock.mark >= before, "reproduce: PARLEY_SEED=\(seed)")
        }
    }
}
