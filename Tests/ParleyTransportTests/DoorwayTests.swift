import NIOCore
import ParleyTransport
import ParleyWire
import Testing

/// The rules of opening a connection, event by event, on a made-up clock.
struct DoorwayTests {
    private func at(_ seconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(0) + .seconds(seconds)
    }

    private func opened(isKnown: Bool) -> Doorway {
        var doorway = Doorway(limits: ConnectionLimits(), now: at(0))
        doorway.secured(isKnown: isKnown)
        return doorway
    }

    @Test
    func nothingPassesBeforeTLSIsDone() {
        let doorway = Doorway(limits: ConnectionLimits(), now: at(0))
        #expect(!doorway.isDelivering && !doorway.isSpeaking && doorway.isTakingBytes)
        #expect(doorway.frameLimit == Limits.unauthenticatedFrameBytes)
    }

    @Test
    func aKnownPeerIsHeardAndSpokenToAtOnce() {
        let doorway = opened(isKnown: true)
        #expect(doorway.isDelivering && doorway.isSpeaking && !doorway.isStranger)
        #expect(doorway.frameLimit == Limits.frameBytes)
    }

    @Test
    func aStrangerIsHeardOnceAndSpokenToAfterwards() {
        var doorway = opened(isKnown: false)
        #expect(doorway.isDelivering && !doorway.isSpeaking && doorway.isStranger)
        doorway.delivered()
        #expect(!doorway.isDelivering && !doorway.isTakingBytes && doorway.isSpeaking)
        #expect(doorway.frameLimit == Limits.unauthenticatedFrameBytes)
        doorway.admit(now: at(1))
        #expect(doorway.isDelivering && doorway.isTakingBytes && !doorway.isStranger)
        #expect(doorway.frameLimit == Limits.frameBytes)
    }

    @Test
    func openingEndsAfterFifteenSeconds() {
        for doorway in [opened(isKnown: true), opened(isKnown: false)] {
            #expect(doorway.alarm(now: at(14)) == .wake(at: at(15)))
            #expect(doorway.alarm(now: at(15)) == .close(.timeout))
        }
    }

    /// A stranger that spoke but isn't admitted is still on the first clock.
    @Test
    func bytesDoNotProlongTheOpening() {
        var doorway = opened(isKnown: false)
        doorway.heard(now: at(14))
        doorway.delivered()
        #expect(doorway.alarm(now: at(15)) == .close(.timeout))
    }

    @Test
    func silenceEndsAfterNinetySeconds() {
        var doorway = opened(isKnown: true)
        doorway.delivered()
        doorway.heard(now: at(10))
        #expect(doorway.nextAlarm == at(100))
        #expect(doorway.alarm(now: at(99)) == .wake(at: at(100)))
        #expect(doorway.alarm(now: at(100)) == .close(.silence))
    }

    @Test
    func silenceIsNotCountedWhileReadingIsPaused() {
        var doorway = opened(isKnown: true)
        doorway.delivered()
        doorway.setReading(false, now: at(10))
        #expect(!doorway.isDelivering && !doorway.isTakingBytes)
        #expect(doorway.alarm(now: at(500)) == .wake(at: at(590)))
        doorway.setReading(true, now: at(600))
        #expect(doorway.isDelivering)
        #expect(doorway.alarm(now: at(689)) == .wake(at: at(690)))
    }

    @Test
    func nothingFollowsTheEnd() {
        var doorway = opened(isKnown: true)
        doorway.close()
        doorway.secured(isKnown: true)
        doorway.delivered()
        doorway.admit(now: at(1))
        #expect(doorway.isClosed && !doorway.isDelivering && !doorway.isSpeaking)
        #expect(doorway.alarm(now: at(1000)) == .none)
    }
}
