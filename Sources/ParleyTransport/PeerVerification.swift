import NIOCore
import NIOSSL
import ParleyCRDT

/// Decides in the middle of a handshake whether the certificate shown will do, and remembers the
/// verdict: TLS itself reports no more than "verification failed".
///
/// Confined to one event loop.
final class PeerVerification {
    /// The only key that will do; `nil` on the side that listens, where strangers may knock.
    let expected: NodeID?
    private(set) var peer: NodeID?
    private(set) var isRefused = false

    init(expected: NodeID?) {
        self.expected = expected
    }

    /// Notes the key and says whether the handshake may go on.
    func verify(_ chain: [NIOSSLCertificate]) -> NIOSSLVerificationResult {
        guard let node = chain.first?.node, expected == nil || node == expected else {
            isRefused = true
            return .failed
        }
        peer = node
        return .certificateVerified
    }

    /// The handler that speaks TLS on one connection.
    func handler(
        certificate: NodeCertificate, isInitiator: Bool, eventLoop: any EventLoop
    ) throws -> NIOSSLHandler {
        let context = try certificate.context()
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let callback: NIOSSLCustomVerificationCallback = { chain, promise in
            promise.succeed(bound.value.verify(chain))
        }
        guard isInitiator else {
            return NIOSSLServerHandler(
                context: context, customVerificationCallback: callback)
        }
        return try NIOSSLClientHandler(
            context: context, serverHostname: nil, customVerificationCallback: callback)
    }

    /// What an error of TLS means for who is at the other end.
    func reason(for error: any Error) -> CloseReason {
        if isRefused { return .wrongCertificate }
        guard let error = error as? NIOSSLError else {
            return error is BoringSSLError ? .refusedByPeer : .connectionLost
        }
        switch error {
        case .handshakeFailed(.sslError(let stack)): return PeerVerification.reason(for: stack)
        case .handshakeFailed: return .handshakeFailed
        case .uncleanShutdown: return .connectionLost
        default: return .handshakeFailed
        }
    }

    /// BoringSSL's numbers aren't exposed by swift-nio-ssl, its names are.
    private static func reason(for stack: NIOBoringSSLErrorStack) -> CloseReason {
        let text = stack.map(\.description).joined(separator: " ")
        let meanings: [(String, CloseReason)] = [
            ("PEER_DID_NOT_RETURN_A_CERTIFICATE", .noCertificate),
            ("UNSUPPORTED_PROTOCOL", .oldTLS),
            ("WRONG_VERSION_NUMBER", .notTLS),
            ("HTTP_REQUEST", .notTLS),
            ("HTTPS_PROXY_REQUEST", .notTLS),
            ("UNEXPECTED_MESSAGE", .notTLS),
            ("UNEXPECTED_RECORD", .notTLS),
            ("WRONG_SIGNATURE_TYPE", .wrongCertificate),
            ("UNSUPPORTED_CERTIFICATE", .wrongCertificate),
            ("ALERT", .refusedByPeer),
        ]
        return meanings.first { text.contains($0.0) }?.1 ?? .handshakeFailed
    }
}
