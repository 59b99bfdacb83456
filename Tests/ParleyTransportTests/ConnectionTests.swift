import NIOCore
import ParleyCRDT
import ParleyTransport
import ParleyWire
import Testing

/// Real sockets and real TLS between two nodes that know each other.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionTests {
    let attic: TestNode
    let cellar: TestNode

    init() throws {
        attic = try TestNode()
        cellar = try TestNode()
    }

    @Test
    func bothSidesLearnTheOtherKey() async throws {
        let probe = Probe()
        let listener = try await attic.listen(knows: [cellar], probe)
        let dialled = try await cellar.dial(listener, expecting: attic)
        let accepted = try #require(await probe.connection())
        #expect(dialled.peer == attic.id && dialled.isInitiator && dialled.isKnown)
        #expect(accepted.peer == cellar.id && !accepted.isInitiator && accepted.isKnown)
        #expect(accepted.remoteAddress.hasPrefix("127.0.0.1:"))
        #expect(listener.address == "127.0.0.1:\(listener.port)")
        await listener.close()
        #expect(attic.refusals.total.isEmpty && cellar.refusals.total.isEmpty)
    }

    /// From nothing to the limit, each frame sent back by the other side.
    @Test
    func framesOfEverySizePassBothWays() async throws {
        let mirror = Probe { $0.send(Frame(tag: 7, payload: $1).encoded) }
        let probe = Probe()
        let listener = try await attic.listen(knows: [cellar], mirror)
        let dialled = try await cellar.dial(listener, expecting: attic, probe)
        for size in [0, 1, 1023, 1024, 16_384, 65_537, Limits.frameBytes - 1] {
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await dialled.post(payload)
            #expect(await probe.frame() == payload)
        }
        let traffic = try await dialled.perform { $0.traffic }
        #expect(traffic.sent > Limits.frameBytes && traffic.received > Limits.frameBytes)
        await listener.close()
    }

    /// A peer that takes nothing of what is sent to it costs so much memory and no more.
    @Test
    func aPeerThatNeverReadsIsCutOff() async throws {
        let probe = Probe()
        let deaf = Probe()
        let listener = try await attic.listen(
            knows: [cellar],
            limits: .with {
                $0.queuedBytes = 1 << 20
                // The deaf one says nothing either, which isn't the point.
                $0.opening = .seconds(600)
            }, probe)
        let dialled = try await cellar.dial(listener, expecting: attic, deaf)
        try await dialled.perform { $0.setReading(false) }
        let accepted = try #require(await probe.connection())
        let frame = Frame(tag: 7, payload: [UInt8](repeating: 1, count: 256 << 10)).encoded
        // In one go: a turn for each would wait for its place among all other tests each time.
        try await accepted.perform { for _ in 0..<256 { $0.send(frame) } }
        #expect(await probe.closing() == .notReading)
        #expect(attic.refusals.count(of: cellar.id) == ["notReading": 1])
        dialled.close(.finished)
        await listener.close()
    }

    @Test
    func manyFramesInOnePieceArriveInOrder() async throws {
        let probe = Probe()
        let listener = try await attic.listen(knows: [cellar], probe)
        let dialled = try await cellar.dial(listener, expecting: attic)
        let payloads = (0..<1000).map { [UInt8($0 & 255), UInt8($0 >> 8)] }
        let joined = payloads.flatMap { Frame(tag: 7, payload: $0).encoded }
        try await dialled.perform { $0.send(joined) }
        for payload in payloads {
            #expect(await probe.frame() == payload)
        }
        await listener.close()
    }

    @Test
    func aClosedConnectionIsFreed() async throws {
        let probe = Probe()
        let listener = try await attic.listen(knows: [cellar], probe)
        let dialled = try await cellar.dial(listener, expecting: attic)
        weak let accepted = await probe.connection()
        let loop = try #require(accepted?.eventLoop)
        dialled.close(.finished)
        #expect(await probe.closing() == .closedByPeer)
        await listener.close()
        // Whoever was called about the end has returned by the next turn.
        try await loop.submit {}.get()
        #expect(accepted == nil)
    }

    /// What a frame leads to leaves together, and before a farewell that follows it.
    @Test
    func whatWasSentBeforeClosingArrives() async throws {
        let mirror = Probe { connection, payload in
            for number in 0..<3 as Range<UInt8> {
                connection.send(Frame(tag: 7, payload: payload + [number]).encoded)
            }
            connection.close(.finished)
        }
        let probe = Probe()
        let listener = try await attic.listen(knows: [cellar], mirror)
        let dialled = try await cellar.dial(listener, expecting: attic, probe)
        try await dialled.post([9])
        for number in 0..<3 as Range<UInt8> {
            #expect(await probe.frame() == [9, number])
        }
        #expect(await probe.closing() == .closedByPeer)
        await listener.close()
    }

    @Test
    func aFrameAboveTheLimitCloses() async throws {
        let probe = Probe()
        let listener = try await attic.listen(knows: [cellar], probe)
        let dialled = try await cellar.dial(listener, expecting: attic)
        let payload = [UInt8](repeating: 0, count: Limits.frameBytes)
        try await dialled.post(payload)
        #expect(await probe.closing() == .tooLarge)
        #expect(attic.refusals.total == ["tooLarge": 1])
        #expect(attic.refusals.count(of: cellar.id) == ["tooLarge": 1])
        await listener.close()
    }

    @Test
    func aFrameWithoutATagCloses() async throws {
        let probe = Probe()
        let listener = try await attic.listen(knows: [cellar], probe)
        let dialled = try await cellar.dial(listener, expecting: attic)
        try await dialled.perform { $0.send([0, 0, 0, 0]) }
        #expect(await probe.closing() == .corrupt)
        await listener.close()
    }

    @Test
    func anotherServerKeyIsRefusedAndCounted() async throws {
        let stranger = try TestNode()
        let probe = Probe()
        let listener = try await stranger.listen(knows: [cellar], probe)
        await #expect(throws: DialError.closed(.wrongCertificate)) {
            _ = try await cellar.dial(listener, expecting: attic, probe)
        }
        #expect(cellar.refusals.total == ["wrongCertificate": 1])
        #expect(cellar.refusals.count(of: attic.id) == ["wrongCertificate": 1])
        await listener.close()
    }

    @Test
    func aPortWhereNobodyListensIsUnreachable() async throws {
        let listener = try await attic.listen()
        await listener.close()
        await #expect(throws: DialError.unreachable("Connection refused")) {
            _ = try await cellar.dial(listener, expecting: attic)
        }
    }

    /// What was sent just before the end still arrives, and the end is an orderly one.
    @Test
    func closingSendsWhatIsQueued() async throws {
        let probe = Probe()
        let listener = try await attic.listen(knows: [cellar], probe)
        let own = Probe()
        let dialled = try await cellar.dial(listener, expecting: attic, own)
        let farewell = Frame(tag: 7, payload: [1, 2, 3]).encoded
        try await dialled.perform {
            $0.send(farewell)
            $0.close(.finished)
            $0.close(.corrupt)
        }
        #expect(await probe.frame() == [1, 2, 3])
        #expect(await probe.closing() == .closedByPeer)
        #expect(await own.closing() == .finished)
        await listener.close()
        #expect(cellar.refusals.total.isEmpty)
    }

    /// A peer that doesn't read makes the other side unwritable, never unreading.
    @Test
    func aSlowReaderIsReportedAndStillRead() async throws {
        let sender = Probe()
        let listener = try await attic.listen(knows: [cellar], sender)
        let reader = Probe()
        let slow = try await cellar.dial(listener, expecting: attic, reader)
        let accepted = try #require(await sender.connection())
        try await slow.perform { $0.setReading(false) }

        let frame = Frame(tag: 7, payload: [UInt8](repeating: 9, count: 256 * 1024)).encoded
        let count = try await accepted.perform { connection in
            var count = 0
            while connection.isWritable {
                connection.send(frame)
                count += 1
            }
            return count
        }
        #expect(await sender.writability() == false)
        try await slow.post([5])
        #expect(await sender.frame() == [5])

        try await slow.perform { $0.setReading(true) }
        for _ in 0..<count {
            #expect(await reader.frame()?.count == 256 * 1024)
        }
        #expect(await sender.writability() == true)
        await listener.close()
    }

    /// A handler that pauses in the middle of a run of frames gets no more until it resumes.
    @Test
    func pausingHoldsBackFramesAlreadyRead() async throws {
        let pausing = Probe { connection, _ in connection.setReading(false) }
        let listener = try await attic.listen(knows: [cellar], pausing)
        let dialled = try await cellar.dial(listener, expecting: attic)
        let both = Frame(tag: 7, payload: [1]).encoded + Frame(tag: 7, payload: [2]).encoded
        try await dialled.perform { $0.send(both) }
        let accepted = try #require(await pausing.connection())
        #expect(await pausing.frame() == [1])
        try await accepted.perform { $0.setReading(true) }
        #expect(await pausing.frame() == [2])
        await listener.close()
    }

    @Test
    func workOffTheLoopComesBackToIt() async throws {
        let listener = try await attic.listen(knows: [cellar])
        let dialled = try await cellar.dial(listener, expecting: attic)
        let promise = dialled.eventLoop.makePromise(of: Bool.self)
        try await dialled.perform { connection in
            connection.run({ 42 }) { answer in
                promise.succeed(answer == 42 && connection.eventLoop.inEventLoop)
            }
        }
        #expect(try await promise.futureResult.get())
        await listener.close()
    }

    @Test
    func timersFireOnTheLoopAndNotOnceCancelled() async throws {
        let listener = try await attic.listen(knows: [cellar])
        let dialled = try await cellar.dial(listener, expecting: attic)
        let promise = dialled.eventLoop.makePromise(of: Int.self)
        try await dialled.perform { connection in
            let cancelled = connection.schedule(after: .milliseconds(1)) { promise.succeed(1) }
            cancelled.cancel()
            _ = connection.schedule(after: .milliseconds(5)) { promise.succeed(2) }
        }
        #expect(try await promise.futureResult.get() == 2)
        await listener.close()
    }

    @Test
    func closingTheListenerEndsEveryConnection() async throws {
        let probe = Probe()
        let own = Probe()
        let listener = try await attic.listen(knows: [cellar], probe)
        _ = try await cellar.dial(listener, expecting: attic, own)
        _ = try #require(await probe.connection())
        await listener.close()
        #expect(await probe.closing() == .shuttingDown)
        #expect(await own.closing() == .closedByPeer)
    }
}
