import Crypto

/// The beginning of a sealed file, readable by everybody and vouched for by the passphrase.
///
/// - Specification: Protocol/backup-1.md §2
package struct SealedHeader: Equatable, Sendable {
    /// What lies in the file.
    package enum Kind: UInt8, Sendable {
        case backup = 0x42
        case key = 0x4b
    }

    /// As far as all headers are alike.
    package static let fixedByteCount = 28
    static let saltByteCount = 16
    static let markByteCount = 32
    private static let name = Array("PARLEY".utf8)
    private static let version: UInt8 = 1

    package let kind: Kind
    package let cost: ScryptCost
    let salt: [UInt8]
    /// What may be known without the passphrase; at most 255 bytes.
    package let label: [UInt8]

    /// - Precondition: `label` has at most 255 bytes.
    init(kind: Kind, cost: ScryptCost, salt: [UInt8], label: [UInt8]) {
        precondition(label.count <= UInt8.max && salt.count == SealedHeader.saltByteCount)
        self.kind = kind
        self.cost = cost
        self.salt = salt
        self.label = label
    }

    /// Reads the first `fixedByteCount` bytes and says how many the whole header has, its mark
    /// included.
    ///
    /// - Throws: `foreign`, `version`, `cost`.
    package static func byteCount(
        of beginning: [UInt8], kind: Kind
    ) throws(SealError) -> Int {
        guard beginning.count >= fixedByteCount, beginning.starts(with: name + [kind.rawValue])
        else { throw .foreign }
        guard beginning[7] == version else { throw .version(beginning[7]) }
        guard cost(in: beginning) != nil else { throw .cost }
        return fixedByteCount + Int(beginning[11]) + markByteCount
    }

    /// Reads a whole header; what it says is vouched for only once a `SealedReader` has been made.
    ///
    /// - Throws: `foreign`, `version`, `cost`, `cut`.
    package init(_ bytes: [UInt8], kind: Kind) throws(SealError) {
        let count = try SealedHeader.byteCount(of: bytes, kind: kind)
        guard bytes.count >= count else { throw .cut }
        guard let cost = SealedHeader.cost(in: bytes) else { throw .cost }
        let labelStart = SealedHeader.fixedByteCount
        self.init(
            kind: kind, cost: cost, salt: Array(bytes[12..<labelStart]),
            label: Array(bytes[labelStart..<count - SealedHeader.markByteCount]))
    }

    private static func cost(in bytes: [UInt8]) -> ScryptCost? {
        ScryptCost(logRounds: bytes[8], blockSize: bytes[9], parallelism: bytes[10])
    }

    /// Without the mark.
    var bytes: [UInt8] {
        SealedHeader.name + [kind.rawValue, SealedHeader.version]
            + [cost.logRounds, cost.blockByte, cost.parallelByte, UInt8(label.count)] + salt + label
    }
}

/// The two keys of a sealed file.
struct SealKeys: Sendable {
    private let chunks: SymmetricKey
    private let mark: SymmetricKey
    private let header: [UInt8]

    init(_ header: SealedHeader, _ passphrase: Passphrase) throws(SealError) {
        (chunks, mark) = try passphrase.stretched(salt: header.salt, cost: header.cost)
        self.header = header.bytes
    }

    /// Tells a wrong passphrase from damage further on, and ties the file to one passphrase only.
    var headerMark: [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: header, using: mark))
    }

    func vouches(for found: [UInt8]) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(found, authenticating: header, using: mark)
    }

    func seal(_ chunk: [UInt8], number: UInt64, isLast: Bool) -> [UInt8] {
        let box = try? ChaChaPoly.seal(
            chunk, using: chunks, nonce: SealKeys.nonce(number, isLast), authenticating: header)
        guard let box else { preconditionFailure("a chunk is never too long for the cipher") }
        return Array(box.ciphertext) + Array(box.tag)
    }

    /// - Returns: `nil` unless these are the bytes that were written at this place.
    func open(_ chunk: [UInt8], number: UInt64, isLast: Bool) -> [UInt8]? {
        let end = chunk.count - SealedWriter.tagByteCount
        let box = try? ChaChaPoly.SealedBox(
            nonce: SealKeys.nonce(number, isLast), ciphertext: chunk[..<end], tag: chunk[end...])
        guard let box,
            let plain = try? ChaChaPoly.open(box, using: chunks, authenticating: header)
        else { return nil }
        return Array(plain)
    }

    /// The key is of this file alone, so numbers never repeat under it.
    private static func nonce(_ number: UInt64, _ isLast: Bool) -> ChaChaPoly.Nonce {
        let digits = stride(from: 56, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: number >> UInt64($0))
        }
        guard let nonce = try? ChaChaPoly.Nonce(data: [0, 0, 0] + digits + [isLast ? 1 : 0]) else {
            preconditionFailure("a nonce has 12 bytes")
        }
        return nonce
    }
}
