import Crypto
import FoundationEssentials
import NIOCore
import NIOSSL
package import ParleyCRDT
import SwiftASN1
import X509

/// A node's key in the form TLS wants: a self-signed certificate that says nothing else.
///
/// Names are empty and the dates are those of all time, so that nobody can read who works with
/// whom from it and no team is locked out on one day. Who the peer is follows from its public key
/// alone; authorities, host names and dates are never looked at.
package struct NodeCertificate: Sendable {
    package let node: NodeID
    private let configuration: TLSConfiguration

    /// - Parameter privateKey: the 32 bytes of RFC 8032's secret key.
    /// - Throws: an error of swift-crypto or BoringSSL unless they are a key.
    package init(privateKey: [UInt8]) throws {
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: privateKey)
        guard let node = NodeID(bytes: Array(key.publicKey.rawRepresentation)) else {
            preconditionFailure("an Ed25519 public key has 32 bytes")
        }
        self.node = node
        configuration = NodeCertificate.configuration(
            certificate: try NIOSSLCertificate(
                bytes: NodeCertificate.selfSigned(by: key), format: .der),
            key: try NIOSSLPrivateKey(
                bytes: NodeCertificate.privateKeyHeader + privateKey, format: .der))
    }

    /// What a handshake needs.
    ///
    /// Made anew for every connection that is accepted: BoringSSL hands out session tickets, and
    /// swift-nio-ssl has no switch for them, but they are sealed with a key of this context. Once it
    /// is gone no ticket can be redeemed, so nobody gets in without proving its key again.
    func context() throws -> NIOSSLContext {
        try NIOSSLContext(configuration: configuration)
    }

    private static func configuration(
        certificate: NIOSSLCertificate, key: NIOSSLPrivateKey
    ) -> TLSConfiguration {
        // A "server" configuration that verifies: the same serves the side that dials.
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        configuration.signingSignatureAlgorithms = [.ed25519]
        configuration.verifySignatureAlgorithms = [.ed25519]
        configuration.certificateVerification = .noHostnameVerification
        // Without this the system's authorities would be loaded, only to be never asked.
        configuration.trustRoots = .certificates([])
        // A farewell is a courtesy; a peer that doesn't answer it isn't waited for long.
        configuration.shutdownTimeout = .seconds(2)
        return configuration
    }

    private static func selfSigned(by key: Curve25519.Signing.PrivateKey) throws -> [UInt8] {
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(UInt64(1)),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: 0),
            notValidAfter: NodeCertificate.endOfTime,
            issuer: DistinguishedName(),
            subject: DistinguishedName(),
            signatureAlgorithm: .ed25519,
            extensions: Certificate.Extensions(),
            issuerPrivateKey: Certificate.PrivateKey(key))
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    /// 9999-12-31T23:59:59Z, which RFC 5280 §4.1.2.5 reserves for "no end".
    private static let endOfTime = Date(timeIntervalSince1970: 253_402_300_799)

    /// PKCS #8 around an Ed25519 private key, up to its 32 bytes (RFC 8410 §7).
    private static let privateKeyHeader: [UInt8] = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ]
}

extension NIOSSLCertificate {
    /// SubjectPublicKeyInfo around an Ed25519 public key, up to its 32 bytes (RFC 8410 §4).
    private static let publicKeyHeader: [UInt8] = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]

    /// The node that holds this certificate's key; `nil` when the key isn't Ed25519.
    var node: NodeID? {
        let header = NIOSSLCertificate.publicKeyHeader
        guard let info = try? extractPublicKey().toSPKIBytes(), info.starts(with: header)
        else { return nil }
        return NodeID(bytes: info.dropFirst(header.count))
    }
}
