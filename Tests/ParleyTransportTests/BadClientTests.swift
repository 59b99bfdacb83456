import NIOCore
import NIOSSL
import ParleyModel
import ParleyTransport
import Testing

/// Clients that are no nodes: refused for the right reason, before a byte of ours, while the
/// listener goes on serving others.
@Suite(.timeLimit(.minutes(1)))
struct BadClientTests {
    let attic: TestNode
    let cellar: TestNode

    init() throws {
        attic = try TestNode()
        cellar = try TestNode()
    }

    /// With another kind of key it is the client that gives up, because only Ed25519 is asked for.
    @Test(arguments: [
        (RawClient.Certificate.none, TLSVersion.tlsv13, CloseReason.noCertificate),
        (.ecdsa, .tlsv13, .refusedByPeer),
        (.rsa, .tlsv13, .refusedByPeer),
        (.ed25519, .tlsv12, .oldTLS),
    ])
    func badTLSIsRefused(
        certificate: RawClient.Certificate, version: TLSVersion, reason: CloseReason
    ) async throws {
        let probe = Probe()
        let listener = try await attic.listen(knows: [cellar], probe)
        let client = try await RawClient.connect(
            to: listener, showing: certificate, version: version)
        #expect(await client.bytesUntilClosed().isEmpty)
        #expect(await attic.refusal() == reason)
        #expect(attic.refusals.total == [reason.rawValue: 1])
        _ = try await cellar.dial(listener, expecting: attic)
        #expect(await probe.connection()?.peer == cellar.id)
        await listener.close()
    }

    /// Whatever a certificate says beside its key makes no difference: with an unknown key, nobody is
    /// known. Who then says something that admits nobody hears no more than that it isn't admitted.
    @Test(arguments: 0..<5)
    func onlyTheKeyCounts(number: Int) async throws {
        let shown: [RawClient.Certificate] = [
            .ed25519, .expired, .notYetValid, .named(cellar.id.text), .chained(cellar.id),
        ]
        let probe = Probe()
        let limits = ConnectionLimits.with { $0.opening = .milliseconds(200) }
        let listener = try await attic.listen(knows: [cellar], limits: limits, probe)
        let client = try await RawClient.connect(to: listener, showing: shown[number])
        #expect(await client.bytesUntilClosed().isEmpty)
        #expect(await attic.refusal() == .timeout)
        #expect(attic.refusals.count(of: cellar.id).isEmpty)
        await listener.close()
    }

    /// A scanner that comes back again and again gets nothing, and keeps nobody out.
    @Test func aThousandScansGetNothing() async throws {
        let probe = Probe()
        let listener = try await attic.listen(knows: [cellar], probe)
        let heard = try await withThrowingTaskGroup(of: Int.self) { group in
            for scanner in 0..<4 {
                group.addTask {
                    var heard = 0
                    for number in 0..<250 {
                        heard += try await scan(listener, scanner * 250 + number)
                    }
                    return heard
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(heard == 0)
        _ = try await cellar.dial(listener, expecting: attic)
        #expect(await probe.connection()?.peer == cellar.id)
        await listener.close()
    }

    /// - Returns: how many bytes were heard above TLS. Below it an alert may come, as from any server.
    private func scan(_ listener: Listener, _ number: Int) async throws -> Int {
        guard number.isMultiple(of: 10) else {
            let client = try await RawClient.connect(to: listener)
            client.send(Array("probe \(number)\r\n\r\n".utf8))
            _ = await client.bytesUntilClosed()
            return 0
        }
        let client = try await RawClient.connect(to: listener, showing: .none)
        return await client.bytesUntilClosed().count
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "SSH-2.0-scanner\r\n", "\u{0}\u{0}\u{0}\u{4}abcd"])
    func garbageIsRefused(text: String) async throws {
        let listener = try await attic.listen(knows: [cellar])
        let client = try await RawClient.connect(to: listener)
        client.send(Array(text.utf8))
        _ = await client.bytesUntilClosed()
        #expect(await attic.refusal() == .notTLS)
        _ = try await cellar.dial(listener, expecting: attic)
        await listener.close()
    }

    @Test
    func aConnectionThatSaysNothingIsDropped() async throws {
        let limits = ConnectionLimits.with { $0.opening = .milliseconds(100) }
        let listener = try await attic.listen(limits: limits)
        let client = try await RawClient.connect(to: listener)
        #expect(await client.bytesUntilClosed().isEmpty)
        #expect(await attic.refusal() == .timeout)
        await listener.close()
    }
}
