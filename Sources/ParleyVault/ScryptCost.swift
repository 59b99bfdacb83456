/// What one guess at a passphrase costs: the parameters of scrypt (RFC 7914).
package struct ScryptCost: Equatable, Sendable {
    /// The binary logarithm of scrypt's N.
    let logRounds: UInt8
    /// scrypt's r.
    let blockByte: UInt8
    /// scrypt's p.
    let parallelByte: UInt8

    /// 128 MiB and about half a second: what OWASP's "Password Storage Cheat Sheet" (2024) asks for.
    package static let usual = ScryptCost(logRounds: 17, blockSize: 8, parallelism: 1)!

    /// Of N · r · p: 1 GiB of memory, eight times the usual. A file that asks for more wants to
    /// keep the machine busy.
    private static let productLimit = 1 << 23

    /// - Returns: `nil` beyond the bounds that Protocol/backup-1.md names.
    package init?(logRounds: UInt8, blockSize: UInt8, parallelism: UInt8) {
        guard (10...20).contains(logRounds), (1...16).contains(blockSize),
            (1...16).contains(parallelism),
            (1 << Int(logRounds)) * Int(blockSize) * Int(parallelism) <= ScryptCost.productLimit
        else { return nil }
        self.logRounds = logRounds
        blockByte = blockSize
        parallelByte = parallelism
    }

    var rounds: Int { 1 << Int(logRounds) }
    var blockSize: Int { Int(blockByte) }
    var parallelism: Int { Int(parallelByte) }
}
