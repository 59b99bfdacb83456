import ParleyNode
import ParleyTransport
import Testing

/// When a peer is dialled again. Dials are answered by the test, time is a clock it moves.
@Suite(.timeLimit(.minutes(1)))
struct DialLoopTests {
    /// Stands for a peer.
    private final class Peer: Sendable {
        private let answers: AsyncStream<CloseReason?>
        private let answering: AsyncStream<CloseReason?>.Continuation
        /// A dial that waits for its answer.
        let dials: AsyncStream<Void>
        private let dialling: AsyncStream<Void>.Continuation

        init() {
            (answers, answering) = AsyncStream.makeStream()
            (dials, dialling) = AsyncStream.makeStream()
        }

        /// The loop that dials it.
        func loop(_ clock: ManualClock, outcome: SessionOutcome) -> DialLoop {
            DialLoop(
                clock: clock.nodeClock,
                dial: {
                    self.dialling.yield()
                    return await self.answers.first { _ in true } ?? .shuttingDown
                }, ended: { outcome })
        }

        func dialled() async { _ = await dials.first { _ in true } }

        /// - Parameter reason: why the dial failed, `nil` where a session stands.
        func answer(_ reason: CloseReason?) { answering.yield(reason) }
    }

    private let peer = Peer()
    private let clock = ManualClock()

    private func loop(
        outcome: SessionOutcome = SessionOutcome(reason: .connectionLost, hasSettled: true)
    ) -> DialLoop { peer.loop(clock, outcome: outcome) }

    private func pause() async -> Duration? { await clock.sleeps.first { _ in true } }

    @Test func aPeerThatDoesNotAnswerIsDialledAgainAfterAPause() async throws {
        let loop = loop()
        for ceiling in [1, 2, 4] {
            await peer.dialled()
            peer.answer(.connectionLost)
            let pause = try #require(await pause())
            #expect(pause <= .seconds(ceiling))
            clock.advance(by: pause)
        }
        await peer.dialled()
        loop.stop()
        peer.answer(.connectionLost)
    }

    /// A peer that broke the protocol is left alone for ten minutes at least.
    @Test func aViolationIsPausedForLong() async throws {
        let loop = loop()
        await peer.dialled()
        peer.answer(.protocolViolation)
        let pause = try #require(await pause())
        #expect(pause >= Reconnector.firstPause)
        clock.advance(by: pause)
        await peer.dialled()
        loop.stop()
        peer.answer(.protocolViolation)
    }

    /// A session that ended in a violation counts as one, whoever it was that dialled.
    @Test func aSessionThatEndsInAViolationIsPausedForLong() async throws {
        let loop = loop(outcome: SessionOutcome(reason: .corrupt, hasSettled: true))
        await peer.dialled()
        peer.answer(nil)
        #expect(try #require(await pause()) >= Reconnector.firstPause)
        loop.stop()
    }

    /// Somebody asks to dial now: the pause is over at once.
    @Test func aPokeEndsThePause() async throws {
        let loop = loop()
        await peer.dialled()
        peer.answer(.protocolViolation)
        _ = await pause()
        loop.poke()
        await peer.dialled()
        loop.stop()
        peer.answer(.connectionLost)
    }

    /// Somebody asks while a dial is under way, which may be about to fail: it isn't forgotten.
    @Test func aPokeWhileDiallingIsKept() async throws {
        let loop = loop()
        await peer.dialled()
        loop.poke()
        peer.answer(.protocolViolation)
        await peer.dialled()
        loop.stop()
        peer.answer(.connectionLost)
    }
}
