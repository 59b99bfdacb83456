import Crypto
import NIOCore
import NIOPosix
import ParleyCRDT
import ParleyTransport

/// A key with all a node needs to connect, on loopback.
struct TestNode: Sendable {
    let certificate: NodeCertificate
    let refusals: RefusalCounters
    private let refused: AsyncStream<CloseReason>

    init() throws {
        let (refused, notes) = AsyncStream.makeStream(of: CloseReason.self)
        self.refused = refused
        refusals = RefusalCounters { reason, _ in notes.yield(reason) }
        let key = Curve25519.Signing.PrivateKey()
        certificate = try NodeCertificate(privateKey: Array(key.rawRepresentation))
    }

    var id: NodeID { certificate.node }

    /// Waits for the next refusal to be counted.
    func refusal() async -> CloseReason? {
        await refused.first { _ in true }
    }

    func endpoint(
        knows members: [TestNode] = [], limits: ConnectionLimits = ConnectionLimits()
    ) -> Endpoint {
        let known = Set(members.map(\.id))
        return Endpoint(
            certificate: certificate, group: MultiThreadedEventLoopGroup.singleton,
            refusals: refusals, limits: limits, isMember: { known.contains($0) })
    }

    /// Listens on a port of the system's choice.
    func listen(
        knows members: [TestNode] = [], limits: ConnectionLimits = ConnectionLimits(),
        _ probe: Probe = Probe()
    ) async throws -> Listener {
        try await Listener.bind(
            endpoint(knows: members, limits: limits), host: "127.0.0.1", port: 0,
            makeHandler: probe.makeHandler)
    }

    func dial(
        _ listener: Listener, expecting peer: TestNode, _ probe: Probe = Probe()
    ) async throws -> Connection {
        try await Dialer(endpoint()).dial(
            host: "127.0.0.1", port: listener.port, expecting: peer.id,
            makeHandler: probe.makeHandler)
    }
}

extension ConnectionLimits {
    /// The same limits but for what the closure changes.
    static func with(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
        var limits = ConnectionLimits()
        change(&limits)
        return limits
    }
}
