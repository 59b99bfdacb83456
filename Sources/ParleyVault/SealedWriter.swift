/// Seals what is written under a passphrase: bytes in, sealed bytes out.
///
/// A file may be larger than memory, and whoever opens it must not use a byte that isn't vouched
/// for. So it is cut into chunks, each sealed with its number and whether it is the last (Hoang,
/// Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
/// Misuse-Resistance", 2015: STREAM). Cutting the file short, swapping chunks and adding to the end
/// all show.
package struct SealedWriter: Sendable {
    /// Of plain text in every chunk but the last, which has at least one byte.
    static let chunkByteCount = 65_536
    static let tagByteCount = 16

    private let keys: SealKeys
    private var waiting: [UInt8] = []
    private var number: UInt64 = 0
    /// The first bytes of the file.
    package let header: [UInt8]

    /// - Parameter label: what may be read without the passphrase, at most 255 bytes.
    /// - Throws: `cost` where the machine lacks the memory to make the key.
    package init(
        _ kind: SealedHeader.Kind, label: [UInt8] = [], passphrase: Passphrase,
        cost: ScryptCost = .usual
    ) throws(SealError) {
        var random = SystemRandomNumberGenerator()
        let salt = (0..<SealedHeader.saltByteCount).map { _ in
            UInt8.random(in: .min ... .max, using: &random)
        }
        let header = SealedHeader(kind: kind, cost: cost, salt: salt, label: label)
        keys = try SealKeys(header, passphrase)
        self.header = header.bytes + keys.headerMark
    }

    /// - Returns: what the file goes on with; often nothing yet.
    package mutating func append(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        waiting.append(contentsOf: bytes)
        var sealed: [UInt8] = []
        var start = 0
        // One byte more must be there, or the chunk may be the last.
        while waiting.count - start > SealedWriter.chunkByteCount {
            let end = start + SealedWriter.chunkByteCount
            sealed += keys.seal(Array(waiting[start..<end]), number: number, isLast: false)
            number += 1
            start = end
        }
        waiting.removeFirst(start)
        return sealed
    }

    /// - Returns: the last bytes of the file.
    /// - Precondition: something was appended.
    package consuming func finish() -> [UInt8] {
        precondition(!waiting.isEmpty, "nothing to seal")
        return keys.seal(waiting, number: number, isLast: true)
    }
}
