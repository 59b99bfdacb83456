import Crypto
import CryptoExtras
import FoundationEssentials
import NIOCore
import NIOPosix
import NIOSSL
import ParleyTransport
import SwiftASN1
import X509

/// A client that isn't Parley: speaks TLS as badly as a test wants, or none.
struct RawClient {
    /// What it shows of itself.
    enum Certificate {
        case none, ed25519, ecdsa, rsa
    }

    private let channel: any Channel
    private let bytes: EventLoopFuture<[UInt8]>

    /// Connects without TLS.
    static func connect(to listener: Listener) async throws -> RawClient {
        try await connect(to: listener) { _ in }
    }

    /// Connects with TLS that accepts any server.
    static func connect(
        to listener: Listener, showing certificate: Certificate, version: TLSVersion = .tlsv13
    ) async throws -> RawClient {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = version
        configuration.maximumTLSVersion = version
        configuration.verifySignatureAlgorithms = [.ed25519]
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates([])
        if let (certificate, key) = try identity(certificate) {
            configuration.certificateChain = [.certificate(certificate)]
            configuration.privateKey = .privateKey(key)
        }
        let context = try NIOSSLContext(configuration: configuration)
        return try await connect(to: listener) { channel in
            let tls = try NIOSSLClientHandler(
                context: context, serverHostname: nil,
                customVerificationCallback: { $1.succeed(.certificateVerified) })
            try channel.pipeline.syncOperations.addHandler(tls)
        }
    }

    /// Waits for the listener to hang up.
    ///
    /// - Returns: what it said before, after decryption.
    func bytesUntilClosed() async -> [UInt8] {
        (try? await bytes.get()) ?? []
    }

    func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    private static func connect(
        to listener: Listener, prepare: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> RawClient {
        let group = MultiThreadedEventLoopGroup.singleton
        let promise = group.any().makePromise(of: [UInt8].self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel)
                    try channel.pipeline.syncOperations.addHandler(Collector(promise))
                }
            }
            .connect(host: "127.0.0.1", port: listener.port).get()
        return RawClient(channel: channel, bytes: promise.futureResult)
    }

    private static func identity(
        _ kind: Certificate
    ) throws -> (NIOSSLCertificate, NIOSSLPrivateKey)? {
        switch kind {
        case .none: nil
        case .ed25519: try identity(.init(Curve25519.Signing.PrivateKey()), .ed25519)
        case .ecdsa: try identity(.init(P256.Signing.PrivateKey()), .ecdsaWithSHA256)
        case .rsa:
            try identity(
                .init(_RSA.Signing.PrivateKey(keySize: .bits2048)), .sha256WithRSAEncryption)
        }
    }

    private static func identity(
        _ key: X509.Certificate.PrivateKey,
        _ algorithm: X509.Certificate.SignatureAlgorithm
    ) throws -> (NIOSSLCertificate, NIOSSLPrivateKey) {
        let certificate = try X509.Certificate(
            version: .v3, serialNumber: .init(UInt64(1)), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSince1970: 0),
            notValidAfter: Date(timeIntervalSince1970: 4_000_000_000),
            issuer: DistinguishedName(), subject: DistinguishedName(),
            signatureAlgorithm: algorithm, extensions: X509.Certificate.Extensions(),
            issuerPrivateKey: key)
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return (
            try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der),
            try NIOSSLPrivateKey(
                bytes: Array(key.serializeAsPEM().pemString.utf8), format: .pem)
        )
    }
}

/// Keeps what arrives until the channel closes.
private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let promise: EventLoopPromise<[UInt8]>
    private var bytes: [UInt8] = []

    init(_ promise: EventLoopPromise<[UInt8]>) {
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes.append(contentsOf: unwrapInboundIn(data).readableBytesView)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.succeed(bytes)
    }
}
