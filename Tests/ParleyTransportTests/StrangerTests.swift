import NIOCore
import ParleyCRDT
import ParleyTransport
import ParleyWire
import Testing

/// What somebody with a key of their own, but no membership, can do.
@Suite(.timeLimit(.minutes(1)))
struct StrangerTests {
    let attic: TestNode
    let stranger: TestNode

    init() throws {
        attic = try TestNode()
        stranger = try TestNode()
    }

    /// One frame of exactly the limit gets through; the second waits for the admission.
    @Test
    func oneSmallFrameIsHeardAndTheNextAfterAdmission() async throws {
        let probe = Probe()
        let listener = try await attic.listen(probe)
        let own = Probe()
        let dialled = try await stranger.dial(listener, expecting: attic, own)
        let knock = [UInt8](repeating: 1, count: Limits.unauthenticatedFrameBytes - 1)
        try await dialled.post(knock)
        try await dialled.post([UInt8](repeating: 2, count: 5000))
        let accepted = try #require(await probe.connection())
        #expect(!accepted.isKnown)
        #expect(await probe.frame() == knock)
        try await accepted.post([3])
        #expect(await own.frame() == [3])
        try await accepted.perform { $0.admit() }
        #expect(await probe.frame()?.count == 5000)
        await listener.close()
    }

    @Test
    func aFrameOfMoreThanOneKibibyteIsRefused() async throws {
        let probe = Probe()
        let listener = try await attic.listen(probe)
        let dialled = try await stranger.dial(listener, expecting: attic)
        try await dialled.post(
            [UInt8](repeating: 1, count: Limits.unauthenticatedFrameBytes))
        #expect(await probe.closing() == .tooLarge)
        #expect(attic.refusals.total == ["tooLarge": 1])
        #expect(attic.refusals.count(of: stranger.id).isEmpty, "strangers get no row of their own")
        await listener.close()
    }

    /// Silent until the time is over, it has received nothing at all.
    @Test
    func aSilentStrangerGetsNoByteAndIsDropped() async throws {
        let limits = ConnectionLimits.with { $0.opening = .milliseconds(200) }
        let listener = try await attic.listen(limits: limits)
        let client = try await RawClient.connect(to: listener, showing: .ed25519)
        #expect(await client.bytesUntilClosed().isEmpty)
        #expect(await attic.refusal() == .timeout)
        await listener.close()
    }

    @Test
    func aStrangerThatIsNotAdmittedInTimeIsDropped() async throws {
        let limits = ConnectionLimits.with { $0.opening = .seconds(10) }
        let probe = Probe()
        let listener = try await attic.listen(limits: limits, probe)
        let dialled = try await stranger.dial(listener, expecting: attic)
        try await dialled.post([1])
        #expect(await probe.frame() == [1])
        #expect(await probe.closing() == .timeout)
        await listener.close()
    }

    @Test
    func aKnownPeerThatFallsSilentIsDropped() async throws {
        let limits = ConnectionLimits.with { $0.silence = .milliseconds(100) }
        let probe = Probe()
        let listener = try await attic.listen(knows: [stranger], limits: limits, probe)
        let dialled = try await stranger.dial(listener, expecting: attic)
        try await dialled.post([1])
        #expect(await probe.frame() == [1])
        #expect(await probe.closing() == .silence)
        #expect(attic.refusals.count(of: stranger.id) == ["silence": 1])
        await listener.close()
    }

    /// The one that has stood there longest makes room.
    @Test
    func strangersAreCapped() async throws {
        let limits = ConnectionLimits.with { $0.strangersPerAddress = 1 }
        let probe = Probe()
        let listener = try await attic.listen(limits: limits, probe)
        let first = Probe()
        _ = try await stranger.dial(listener, expecting: attic, first)
        // Who dials knows sooner that TLS is done: until then closing is a handshake that failed.
        _ = try #require(await probe.connection())
        _ = try await stranger.dial(listener, expecting: attic)
        #expect(await first.closing() == .closedByPeer)
        #expect(attic.refusals.total == ["tooManyConnections": 1])
        await listener.close()
    }

    /// Whoever is known makes room among the strangers, up to the cap per key.
    @Test
    func connectionsOfOneKeyAreCapped() async throws {
        let limits = ConnectionLimits.with {
            $0.strangersPerAddress = 1
            $0.membersPerKey = 2
        }
        let probe = Probe()
        let listener = try await attic.listen(knows: [stranger], limits: limits, probe)
        for _ in 0..<2 {
            _ = try await stranger.dial(listener, expecting: attic)
            _ = try #require(await probe.connection())
        }
        let own = Probe()
        _ = try? await stranger.dial(listener, expecting: attic, own)
        #expect(await own.closing() == .connectionLost)
        #expect(attic.refusals.total == ["tooManyConnections": 1])
        await listener.close()
    }
}
