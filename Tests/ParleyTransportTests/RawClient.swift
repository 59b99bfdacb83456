import Crypto
import CryptoExtras
import FoundationEssentials
import NIOCore
import NIOPosix
import NIOSSL
import ParleyCRDT
import ParleyTransport
import SwiftASN1
import X509

/// A client that isn't Parley: speaks TLS as badly as a test wants, or none.
struct RawClient {
    /// What it shows of itself.
    enum Certificate {
        case none, ed25519, ecdsa, rsa
        /// Of an unknown key, with dates long past, and not come yet.
        case expired, notYetValid
        /// Of an unknown key under the name of a member.
        case named(String)
        /// Of an unknown key, and behind it one that has a member's key in it.
        case chained(NodeID)
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
        if let (chain, key) = try identity(certificate) {
            configuration.certificateChain = chain.map { .certificate($0) }
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
    ) throws -> ([NIOSSLCertificate], NIOSSLPrivateKey)? {
        let key = Curve25519.Signing.PrivateKey()
        var own = Shown(key: .init(key), algorithm: .ed25519)
        switch kind {
        case .none: return nil
        case .ed25519: break
        case .ecdsa: own = Shown(key: .init(P256.Signing.PrivateKey()), algorithm: .ecdsaWithSHA256)
        case .rsa:
            own = Shown(
                key: .init(try _RSA.Signing.PrivateKey(keySize: .bits2048)),
                algorithm: .sha256WithRSAEncryption)
        case .expired: own.until = 1
        case .notYetValid: own.from = 3_999_999_999
        case .named(let name): own.name = name
        case .chained(let member):
            var other = own
            other.publicKey = .init(
                try Curve25519.Signing.PublicKey(rawRepresentation: member.bytes))
            return ([try own.certificate(), try other.certificate()], try own.privateKey())
        }
        return ([try own.certificate()], try own.privateKey())
    }

    /// What a client shows of itself.
    private struct Shown {
        let key: X509.Certificate.PrivateKey
        let algorithm: X509.Certificate.SignatureAlgorithm
        var publicKey: X509.Certificate.PublicKey?
        /// Seconds since 1970.
        var from: Double = 0
        var until: Double = 4_000_000_000
        var name: String?

        func certificate() throws -> NIOSSLCertificate {
            let subject = try DistinguishedName { if let name { CommonName(name) } }
            let certificate = try X509.Certificate(
                version: .v3, serialNumber: .init(UInt64(1)),
                publicKey: publicKey ?? key.publicKey,
                notValidBefore: Date(timeIntervalSince1970: from),
                notValidAfter: Date(timeIntervalSince1970: until), issuer: subject,
                subject: subject, signatureAlgorithm: algorithm,
                extensions: X509.Certificate.Extensions(), issuerPrivateKey: key)
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)
        }

        func privateKey() throws -> NIOSSLPrivateKey {
            try NIOSSLPrivateKey(
                bytes: Array(key.serializeAsPEM().pemString.utf8), format: .pem)
        }
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
