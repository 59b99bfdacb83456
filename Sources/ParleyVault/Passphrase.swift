import Crypto
import CryptoExtras
import FoundationEssentials

/// What somebody typed to lock something.
///
/// Kept in memory that is wiped when nobody holds it any more, and never printed.
package struct Passphrase: Sendable, CustomStringConvertible {
    /// Longer ones are refused: nobody types that much, and who reads one has to stop somewhere.
    package static let byteLimit = 1_024

    /// The library's type for keys wipes its memory.
    private let secret: SymmetricKey

    /// - Parameter utf8: the text in canonical composition (NFC), so that the same words typed on
    ///   another keyboard are the same bytes.
    /// - Returns: `nil` where there is nothing, or more than `byteLimit`.
    package init?(utf8: [UInt8]) {
        guard (1...Passphrase.byteLimit).contains(utf8.count) else { return nil }
        secret = SymmetricKey(data: utf8)
    }

    package var description: String { "<passphrase>" }

    /// As people count.
    package var characterCount: Int {
        secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self).count }
    }

    package func isSame(as other: Passphrase) -> Bool { secret == other.secret }

    /// 64 bytes that nobody finds without trying passphrases at this cost each.
    ///
    /// - Throws: `cost` where the machine can't afford it.
    func stretched(
        salt: [UInt8], cost: ScryptCost
    ) throws(SealError) -> (chunks: SymmetricKey, mark: SymmetricKey) {
        let half = 32
        let derived = secret.withUnsafeBytes { bytes in
            try? KDF.Scrypt.deriveKey(
                from: bytes.bindMemory(to: UInt8.self), salt: salt, outputByteCount: 2 * half,
                rounds: cost.rounds, blockSize: cost.blockSize, parallelism: cost.parallelism)
        }
        guard let derived else { throw .cost }
        return derived.withUnsafeBytes { bytes in
            (
                SymmetricKey(data: UnsafeRawBufferPointer(rebasing: bytes[..<half])),
                SymmetricKey(data: UnsafeRawBufferPointer(rebasing: bytes[half...]))
            )
        }
    }
}
